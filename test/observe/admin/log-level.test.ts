import { afterEach, beforeEach, expect, it } from 'vitest'
import { logLevelRoute } from '../../../src/observe/admin/log-level.ts'
import { startAdminServer } from '../../../src/observe/admin/server.ts'
import type { HttpServer, Question } from '../../../src/observe/http/server.ts'
import { LogLevels } from '../../../src/observe/log-levels.ts'
import { collectedLog } from '../../support/log.ts'

let levels: LogLevels
let server: HttpServer
const ask = async (method: string, query = '') => {
  const response = await fetch(`http://${server.address}/log-level${query}`, { method })
  return { status: response.status, text: await response.text() }
}

beforeEach(async () => {
  const { logger } = collectedLog()
  levels = new LogLevels(logger, { level: 'info' })
  server = await startAdminServer({ host: '127.0.0.1', port: 0, logger, routes: new Map([logLevelRoute(levels)]) })
})
afterEach(() => server.close())

it('is shown and changed', async () => {
  expect(JSON.parse((await ask('GET')).text)).toEqual({ level: 'info', libp2p: 'info' })
  const changed = await ask('PUT', '?level=debug&libp2p=trace')
  expect([changed.status, JSON.parse(changed.text)]).toEqual([200, { level: 'debug', libp2p: 'trace' }])
  await ask('PUT', '?level=warn')
  expect(JSON.parse((await ask('GET')).text)).toEqual({ level: 'warn', libp2p: 'trace' })
})

it.each(['', '?level=loud', '?colour=debug', '?level=debug&x=1', '?level='])(
  'PUT %s changes nothing, and says what is allowed',
  async (query) => {
    const { status, text } = await ask('PUT', query)
    expect(status).toBe(400)
    expect(text).toContain('one of trace, debug, info, warn, error, fatal')
    expect(levels.current).toEqual({ level: 'info', libp2p: 'info' })
  }
)

it.each(['POST', 'DELETE', 'OPTIONS'])('%s is refused', async (method) => {
  expect((await ask(method, '?level=debug')).status).toBe(405)
})

it.each([
  ['192.0.2.7', 403],
  ['::ffff:172.17.0.1', 403],
  ['2001:db8::1', 403],
  ['', 403],
  ['127.0.0.1', 200],
  ['::1', 200],
  ['::ffff:127.0.0.1', 200]
])('is changed from this machine alone: %s %i', (remoteAddress, status) => {
  const [path, { reply }] = logLevelRoute(levels)
  const question: Question = { path, query: new URLSearchParams('level=debug'), method: 'PUT', remoteAddress }
  const change = () => reply(question)
  if (status === 200) change()
  else expect(change).toThrow(expect.objectContaining({ status }))
  expect(levels.current.level).toBe(status === 200 ? 'debug' : 'info')
  // who may not change it may see it
  expect(() => reply({ ...question, method: 'GET' })).not.toThrow()
})
