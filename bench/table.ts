import { markdownTable } from 'markdown-table'
import { type Figure, figures, type Measured } from './figures.ts'
import type { Medians } from './measure.ts'

/** A figure in one of our columns, against Go. */
export interface Ratio {
  readonly figure: Figure
  readonly variant: string
  /** Ours to Go; for rates Go to ours. Below 1 is always better for ours. */
  readonly ratio: number
}

/** Undefined where one of the two was not measured or is 0: a ratio would say nothing. */
export function ratioOf({ id, better }: Figure, ours: Measured, go: Measured): number | undefined {
  const [mine, theirs] = [ours[id], go[id]]
  if (mine === undefined || theirs === undefined || mine <= 0 || theirs <= 0) return undefined
  return better === 'lower' ? mine / theirs : theirs / mine
}

export function ratios(medians: Medians, go: string): Ratio[] {
  const others = Object.keys(medians).filter((name) => name !== go)
  return figures.flatMap((figure) =>
    others.flatMap((variant) => {
      const ratio = ratioOf(figure, medians[variant] ?? {}, medians[go] ?? {})
      return ratio === undefined ? [] : [{ figure, variant, ratio }]
    })
  )
}

/** The comparison as a Markdown table; `–` where nothing was measured. */
export function comparisonTable(medians: Medians, go: string): string {
  const others = Object.keys(medians).filter((name) => name !== go)
  const head = ['', 'unit', go, ...others.flatMap((name) => [name, 'ratio'])]
  const measured = figures.filter(({ id }) => Object.values(medians).some((figures) => figures[id] !== undefined))
  const rows = measured.map((figure) => {
    const goValue = medians[go]?.[figure.id]
    return [
      figure.label,
      figure.unit,
      written(goValue, figure.digits),
      ...others.flatMap((name) => {
        const ours = medians[name] ?? {}
        return [written(ours[figure.id], figure.digits), written(ratioOf(figure, ours, medians[go] ?? {}), 2)]
      })
    ]
  })
  return markdownTable([head, ...rows], { align: ['l', 'l', ...head.slice(2).map(() => 'r')] })
}

function written(value: number | undefined, digits: number): string {
  return value === undefined
    ? '–'
    : value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}
