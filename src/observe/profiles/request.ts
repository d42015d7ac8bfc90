import { HttpError } from '../http/request.ts'

const MAX_SECONDS = 300

/** `seconds` of a query: a whole number in 1..300, or the default where it is absent. */
export function secondsOf(query: URLSearchParams, absent: number): number {
  return wholeNumber(query, 'seconds', 1, MAX_SECONDS) ?? absent
}

/** `debug` of a query: a whole number in 0..max, or 0 where it is absent, as in Go. */
export function debugOf(query: URLSearchParams, max: number): number {
  return wholeNumber(query, 'debug', 0, max) ?? 0
}

/** `gc=1` asks for a collection first, as in Go; anything positive counts. */
export function gcOf(query: URLSearchParams): boolean {
  return (wholeNumber(query, 'gc', 0, 1) ?? 0) === 1
}

/** A parameter that would silently do nothing here misleads the one who set it. */
export function refuse(query: URLSearchParams, name: string, advice: string): void {
  if (query.has(name)) throw new HttpError(400, `${name} is not supported here: ${advice}`)
}

function wholeNumber(query: URLSearchParams, name: string, min: number, max: number): number | undefined {
  const text = query.get(name)
  if (text === null) return undefined
  const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= min && value <= max)) {
    throw new HttpError(400, `${name} must be a whole number from ${min} to ${max}`)
  }
  return value
}
