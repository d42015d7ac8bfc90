import uPlot from 'uplot'
import type { HistoryReport, Maybe, SeriesName } from '../report.ts'
import { byId, element, setAttribute, setText } from './dom.ts'
import { bytes, number, percent, rate, seconds } from './format.ts'

interface PlotSpec {
  readonly title: string
  readonly series: ReadonlyArray<{ readonly name: SeriesName; readonly label: string }>
  readonly text: (value: Maybe<number>) => string
  /** The largest value shown when all are smaller: noise near zero must not fill the plot. */
  readonly atLeast: number
}

const specs: readonly PlotSpec[] = [
  { title: 'Connections', series: [{ name: 'connections', label: 'open' }], text: number, atLeast: 10 },
  {
    title: 'Joins and leaves',
    series: [
      { name: 'joins', label: 'joins' },
      { name: 'leaves', label: 'leaves' }
    ],
    text: rate,
    atLeast: 0.1
  },
  { title: 'Requests', series: [{ name: 'rpcs', label: 'answered' }], text: rate, atLeast: 1 },
  {
    title: 'Time to answer',
    series: [
      { name: 'rpcP99', label: 'p99' },
      { name: 'rpcP50', label: 'p50' }
    ],
    text: seconds,
    atLeast: 0.0001
  },
  {
    title: 'Memory',
    series: [
      { name: 'resident', label: 'process' },
      { name: 'heap', label: 'heap' }
    ],
    text: bytes,
    atLeast: 1_000_000
  },
  {
    title: 'What newcomers wait for (p99)',
    series: [
      { name: 'handshakeP99', label: 'handshake' },
      { name: 'eventLoop', label: 'event loop' }
    ],
    text: seconds,
    atLeast: 0.01
  },
  { title: 'Provider records', series: [{ name: 'records', label: 'records' }], text: number, atLeast: 10 },
  {
    title: 'Refused and closed for room',
    series: [
      { name: 'refusals', label: 'refused' },
      { name: 'evictions', label: 'closed' }
    ],
    text: rate,
    atLeast: 0.1
  },
  { title: 'CPU', series: [{ name: 'cpu', label: 'of a core' }], text: percent, atLeast: 0.1 }
]

/** So that ticks are round numbers of MB. */
const byteSteps = Array.from({ length: 45 }, (_, power) => 2 ** power)
const heightPx = 150
const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })

/** One plot with its caption: a text says the same to who cannot see it. */
class Plot {
  readonly figure = element('figure')
  readonly #spec: PlotSpec
  readonly #canvas = element('div', 'plot empty')
  readonly #summary = element('span', 'unseen')
  readonly #legend = element('span', 'legend')
  #uplot: uPlot | undefined
  #report: HistoryReport | undefined

  constructor(spec: PlotSpec) {
    this.#spec = spec
    const caption = element('figcaption')
    for (const _ of spec.series) this.#legend.append(element('span'))
    caption.append(element('strong', '', spec.title), this.#legend, this.#summary)
    this.#canvas.setAttribute('aria-hidden', 'true')
    this.figure.append(caption, this.#canvas)
    new ResizeObserver(() => this.#uplot?.setSize(this.#size())).observe(this.#canvas)
  }

  /** The colours have changed. */
  restyle(): void {
    this.#uplot?.destroy()
    this.#uplot = undefined
    if (this.#report !== undefined) this.show(this.#report)
  }

  show(report: HistoryReport): void {
    this.#report = report
    const { series } = this.#spec
    const data: uPlot.AlignedData = [[...report.times], ...series.map(({ name }) => [...report.series[name]])]
    this.#canvas.classList.toggle(
      'empty',
      series.every(({ name }) => report.series[name].every((v) => v === null))
    )
    if (this.#uplot === undefined) this.#uplot = new uPlot(this.#options(), data, this.#canvas)
    else this.#uplot.setData(data)
    this.#label(null)
    setText(this.#summary, `: ${series.map(({ name, label }) => this.#inWords(label, report.series[name])).join('; ')}`)
  }

  #label(at: Maybe<number>): void {
    this.#spec.series.forEach(({ name, label }, i) => {
      const values = this.#report?.series[name] ?? []
      const value = values[at ?? values.length - 1] ?? null
      const part = this.#legend.children[i]
      if (part !== undefined) setText(part, `${label} ${this.#spec.text(value)}`)
    })
  }

  #inWords(label: string, values: readonly Maybe<number>[]): string {
    const known = values.filter((value) => value !== null)
    if (known.length === 0) return `${label} not known`
    const { text } = this.#spec
    return `${label} from ${text(Math.min(...known))} to ${text(Math.max(...known))}`
  }

  #size(): { width: number; height: number } {
    return { width: Math.max(120, this.#canvas.clientWidth), height: heightPx }
  }

  #options(): uPlot.Options {
    const style = getComputedStyle(document.documentElement)
    const colour = (name: string) => style.getPropertyValue(name).trim()
    const axis = {
      stroke: colour('--soft'),
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { show: false },
      font: '11px system-ui, sans-serif'
    }
    const strokes = [colour('--accent'), colour('--second')]
    const { text, atLeast, series } = this.#spec
    return {
      ...this.#size(),
      legend: { show: false },
      cursor: { y: false, points: { size: 6 }, sync: { key: 'time' }, drag: { x: false, y: false } },
      padding: [8, 6, 0, 0],
      scales: { y: { range: (_plot, _low, high) => [0, Math.max(high ?? 0, atLeast) * 1.1] } },
      axes: [
        { ...axis, size: 26, space: 70, values: (_plot, times) => times.map((time) => clock.format(time * 1_000)) },
        {
          ...axis,
          size: 58,
          space: 34,
          ...(text === bytes ? { incrs: byteSteps } : {}),
          values: (_plot, values) => values.map(text)
        }
      ],
      series: [
        {},
        ...series.map(({ label }, i) => ({
          label,
          stroke: strokes[i] ?? colour('--ink'),
          width: 1.5,
          points: { show: false },
          ...(series.length === 1 ? { fill: colour('--accent-wash') } : {})
        }))
      ],
      hooks: { setCursor: [(plot) => this.#label(plot.cursor.idx ?? null)] }
    }
  }
}

export class Plots {
  readonly #plots = specs.map((spec) => new Plot(spec))

  constructor() {
    byId('plots').replaceChildren(...this.#plots.map(({ figure }) => figure))
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      for (const plot of this.#plots) plot.restyle()
    })
  }

  show(report: HistoryReport): void {
    for (const plot of this.#plots) plot.show(report)
    setAttribute(byId('plots'), 'data-points', String(report.times.length))
  }
}
