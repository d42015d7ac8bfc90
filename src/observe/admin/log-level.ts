import { type LogLevel, settings } from '../../config/index.ts'
import { HttpError, isLoopback } from '../http/request.ts'
import { json, type Route } from '../http/server.ts'
import type { LogLevels } from '../log-levels.ts'

/** GET shows the levels of the log; `PUT ?level=debug&libp2p=debug` changes one or both, from this machine alone. */
export function logLevelRoute(levels: LogLevels): [string, Route] {
  const reply: Route['reply'] = ({ method, query, remoteAddress }) => {
    if (method === 'PUT') {
      if (!isLoopback(remoteAddress)) {
        throw new HttpError(403, 'the log level is changed from the machine of the node alone, or by SIGUSR2')
      }
      levels.set(changeIn(query))
    }
    return json(levels.current)
  }
  return ['/log-level', { methods: ['GET', 'HEAD', 'PUT'], reply }]
}

function changeIn(query: URLSearchParams): Partial<Record<'level' | 'libp2p', LogLevel>> {
  const given = [...query]
  const { schema, allowed } = settings.LOG_LEVEL
  const read = given.map(([name, value]) => {
    const result = schema.safeParse(value)
    if ((name !== 'level' && name !== 'libp2p') || !result.success) {
      throw new HttpError(
        400,
        `use ?level= or &libp2p= with ${allowed}; ${JSON.stringify(`${name}=${value}`)} is neither`
      )
    }
    return [name, result.data]
  })
  if (read.length === 0) throw new HttpError(400, `use ?level= or ?libp2p= with ${allowed}`)
  return Object.fromEntries(read)
}
