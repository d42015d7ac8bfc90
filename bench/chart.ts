import { parse, View } from 'vega'
import { compile, type TopLevelSpec } from 'vega-lite'
import type { Ratio } from './table.ts'

/** The ratios as bars on a logarithmic scale, with a line where both are equal. */
export function ratioChart(all: readonly Ratio[]): Promise<string> {
  const values = all.map(({ figure, variant, ratio }) => ({ row: `${figure.label} (${figure.unit})`, variant, ratio }))
  const spec: TopLevelSpec = {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    title: 'Cost against the Go service (left of 1 is less)',
    background: 'white',
    width: 420,
    height: { step: 16 },
    data: { values },
    layer: [
      {
        mark: 'bar',
        encoding: {
          y: { field: 'row', type: 'nominal', sort: null, title: null, axis: { labelLimit: 480 } },
          yOffset: { field: 'variant' },
          x: { field: 'ratio', type: 'quantitative', scale: { type: 'log' }, title: 'ratio to Go' },
          x2: { datum: 1 },
          color: { field: 'variant', type: 'nominal', title: null, legend: { orient: 'bottom' } }
        }
      },
      { mark: { type: 'rule', color: 'black' }, encoding: { x: { datum: 1 } } }
    ]
  }
  return new View(parse(compile(spec).spec), { renderer: 'none' }).toSVG()
}
