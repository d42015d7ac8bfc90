import { type HistoryReport, type Maybe, type SeriesName, seriesNames } from './report.ts'

/** A value for each series; null: there is none. */
export type Point = Readonly<Record<SeriesName, Maybe<number>>>

/** The last so many points, in 4 bytes a value and 8 a time. */
export class Ring {
  readonly stepSeconds: number
  readonly #times: Float64Array
  readonly #values: Record<SeriesName, Float32Array>
  #next = 0
  #length = 0

  constructor(stepSeconds: number, capacity: number) {
    this.stepSeconds = stepSeconds
    this.#times = new Float64Array(capacity)
    this.#values = bySeries(() => new Float32Array(capacity))
  }

  get length(): number {
    return this.#length
  }

  get bytes(): number {
    return seriesNames.reduce((sum, name) => sum + this.#values[name].byteLength, this.#times.byteLength)
  }

  /** @param time seconds since 1970 */
  push(time: number, point: Point): void {
    this.#times[this.#next] = time
    for (const name of seriesNames) this.#values[name][this.#next] = point[name] ?? Number.NaN
    this.#next = (this.#next + 1) % this.#times.length
    this.#length = Math.min(this.#length + 1, this.#times.length)
  }

  /** Points that are younger than `from`, the oldest first. */
  since(from: number): HistoryReport {
    const { length: capacity } = this.#times
    const places = Array.from({ length: this.#length }, (_, i) => (this.#next - this.#length + i + capacity) % capacity)
    const young = places.filter((place) => (this.#times[place] ?? 0) > from)
    return {
      stepSeconds: this.stepSeconds,
      times: young.map((place) => Math.round(this.#times[place] ?? 0)),
      series: bySeries((name) => young.map((place) => shortened(this.#values[name][place])))
    }
  }
}

/** Points of an hour, and of a day in steps of a minute: what a page may ask for. */
export class History {
  readonly #hour: Ring
  readonly #day: Ring
  readonly #stepsInMinute: number
  #minute: Point[] = []

  /** @param stepSeconds between two points that are pushed; divides a minute */
  constructor(stepSeconds: number) {
    this.#stepsInMinute = 60 / stepSeconds
    this.#hour = new Ring(stepSeconds, 3_600 / stepSeconds)
    this.#day = new Ring(60, 24 * 60)
  }

  get bytes(): number {
    return this.#hour.bytes + this.#day.bytes
  }

  push(time: number, point: Point): void {
    this.#hour.push(time, point)
    this.#minute.push(point)
    if (this.#minute.length < this.#stepsInMinute) return
    this.#day.push(time, summary(this.#minute))
    this.#minute = []
  }

  /** @param hours up to one in fine steps, up to 24 in minutes */
  last(hours: number, now: number): HistoryReport {
    return (hours <= 1 ? this.#hour : this.#day).since(now - hours * 3_600)
  }
}

/** What was bad for a moment must be seen in a day's plot too. */
const worstCounts: readonly SeriesName[] = ['rpcP99', 'handshakeP99', 'eventLoop']

function summary(points: readonly Point[]): Point {
  return bySeries((name) => {
    const known = points.map((point) => point[name]).filter((value) => value !== null)
    if (known.length === 0) return null
    return worstCounts.includes(name) ? Math.max(...known) : known.reduce((sum, value) => sum + value, 0) / known.length
  })
}

function bySeries<T>(make: (name: SeriesName) => T): Record<SeriesName, T> {
  return Object.fromEntries(seriesNames.map((name) => [name, make(name)])) as Record<SeriesName, T>
}

/** Four digits are more than a plot shows. */
function shortened(value: number | undefined): Maybe<number> {
  return value === undefined || Number.isNaN(value) ? null : Number(value.toPrecision(4))
}
