import type { Maybe } from '../report.ts'

const unknown = '–'
const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const short = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 })

export function count(value: number): string {
  return whole.format(value)
}

/** Three digits; from 1,000 on whole numbers. */
export function number(value: Maybe<number>): string {
  if (value === null) return unknown
  return Math.abs(value) >= 1_000 ? whole.format(value) : short.format(value)
}

/** A rate in the unit in which it is a number that people read. */
export function rate(perSecond: Maybe<number>): string {
  if (perSecond === null) return unknown
  if (perSecond === 0) return '0'
  return perSecond < 1 ? `${number(perSecond * 60)} / min` : `${number(perSecond)} / s`
}

/** A time that somebody waited. */
export function seconds(value: Maybe<number>): string {
  if (value === null) return unknown
  if (value >= 1) return `${short.format(value)} s`
  if (value === 0) return '0'
  return value >= 0.001 ? `${short.format(value * 1_000)} ms` : `${short.format(value * 1_000_000)} µs`
}

const byteUnits = ['B', 'KB', 'MB', 'GB', 'TB']

/** Of 1,024 each, as the node's own settings. */
export function bytes(value: Maybe<number>): string {
  if (value === null) return unknown
  if (value === 0) return '0'
  const unit = Math.min(byteUnits.length - 1, value < 1 ? 0 : Math.floor(Math.log2(value) / 10))
  return `${short.format(value / 1_024 ** unit)} ${byteUnits[unit]}`
}

export function percent(share: Maybe<number>): string {
  if (share === null || !Number.isFinite(share)) return unknown
  return share > 0 && share < 0.01 ? '< 1 %' : `${Math.round(share * 100)} %`
}

const spans: ReadonlyArray<readonly [number, string]> = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
  [1, 's']
]

/** The two largest units, as in `3 d 4 h`. */
export function duration(ofSeconds: number): string {
  const parts: string[] = []
  let rest = Math.floor(ofSeconds)
  for (const [size, unit] of spans) {
    const many = Math.floor(rest / size)
    rest -= many * size
    if (many > 0 || (parts.length === 0 && size === 1)) parts.push(`${many} ${unit}`)
    else if (parts.length > 0) break
    if (parts.length === 2) break
  }
  return parts.join(' ')
}
