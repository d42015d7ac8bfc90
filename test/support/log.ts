import { pino } from 'pino'
import type { Logger } from '../../src/observe/logger.ts'

export interface LogLine {
  readonly level: 'info' | 'warn' | 'error'
  readonly text: string
}

/** A logger, and what it was told. */
export function collectedLog(): { logger: Logger; lines: LogLine[] } {
  const lines: LogLine[] = []
  const write = (line: string) => {
    const { level, msg } = JSON.parse(line)
    lines.push({ level: pino.levels.labels[level] as LogLine['level'], text: msg })
  }
  return { logger: pino({ level: 'info' }, { write }), lines }
}
