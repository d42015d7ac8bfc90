import { pino } from 'pino'
import { visible } from '../log-format.ts'
import type { Warning } from './report.ts'

const kept = 50
const maxTextLength = 500

/** The last warnings and errors of the log, as a destination of pino's; equal ones in a row are one. */
export class RecentWarnings {
  readonly #warnings: Warning[] = []

  /** The newest first. */
  get all(): readonly Warning[] {
    return this.#warnings.toReversed()
  }

  write(line: string): void {
    const { time, level, msg, err } = JSON.parse(line) as LogRecord
    const reason = err?.message === undefined || err.message === msg ? '' : ` (${err.message})`
    const text = shortened(visible(`${msg ?? ''}${reason}`))
    const last = this.#warnings.at(-1)
    const times = last?.text === text ? last.times + 1 : 1
    if (times > 1) this.#warnings.pop()
    this.#warnings.push({
      atMs: new Date(time).getTime(),
      level: pino.levels.labels[Number(level)] ?? String(level),
      text,
      times
    })
    if (this.#warnings.length > kept) this.#warnings.shift()
  }
}

/** As either of {@link logFormat}'s has it: numbers, or ISO time and the level's name. */
interface LogRecord {
  readonly time: number | string
  readonly level: number | string
  readonly msg?: string
  readonly err?: { readonly message?: string }
}

function shortened(text: string): string {
  return text.length > maxTextLength ? `${text.slice(0, maxTextLength)}…` : text
}
