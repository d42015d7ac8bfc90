import { pino } from 'pino'
import { prettyFactory } from 'pino-pretty'
import type { LogFormatName } from '../config/index.ts'

/** One line of the log's own, beside those of the logger, with its end. */
export type Notice = (text: string) => string

/** How events look to whoever reads them. */
export interface LogFormat {
  /** What the logger has to put into a record for {@link line}. */
  readonly record: Pick<pino.LoggerOptions, 'formatters' | 'timestamp'>
  /** A record of the logger as a line. */
  line(record: string): string
  readonly notice: Notice
}

/**
 * `text`: `[time] LEVEL: message {fields}`, for people; `json`: an object a line, for collectors of logs. In both the message is
 * the same, and whatever it holds, an event is one line; only stacks have more in `text`.
 *
 * @param wallMs the time of a notice, in ms since 1970
 */
export function logFormat(name: LogFormatName, colorize: boolean, wallMs: () => number = Date.now): LogFormat {
  return name === 'json' ? jsonFormat(wallMs) : textFormat(colorize)
}

function textFormat(colorize: boolean): LogFormat {
  const format = prettyFactory({
    colorize,
    singleLine: true,
    translateTime: "UTC:yyyy-mm-dd'T'HH:MM:ss.l'Z'"
  })
  return {
    record: {},
    line: (record) => format(JSON.parse(record, printable)),
    notice: (text) => `${visible(text)}\n`
  }
}

function jsonFormat(wallMs: () => number): LogFormat {
  return {
    record: { formatters: { level: (level) => ({ level }) }, timestamp: pino.stdTimeFunctions.isoTime },
    line: escaped,
    notice: (msg) => escaped(`${JSON.stringify({ level: 'warn', time: new Date(wallMs()).toISOString(), msg })}\n`)
  }
}

/** JSON lets these through, and a terminal obeys them; they occur within texts only, where an escape is the same text. */
function escaped(json: string): string {
  return json.replace(/[\x7f-\x9f\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

/** A stack keeps its lines: pino-pretty indents them, so none can pass for an event. */
function printable(key: string, value: unknown): unknown {
  if (typeof value !== 'string') return value
  return key === 'stack' ? value.split('\n').map(visible).join('\n') : visible(value)
}

/** A text without what moves a terminal's cursor or starts a line: such characters are shown as escapes. */
export function visible(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
  return text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, (character) => {
    if (character === '\n') return '\\n'
    if (character === '\r') return '\\r'
    if (character === '\t') return '\\t'
    const code = character.charCodeAt(0).toString(16)
    return code.length > 2 ? `\\u${code}` : `\\x${code.padStart(2, '0')}`
  })
}
