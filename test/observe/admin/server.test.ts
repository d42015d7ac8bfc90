import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Phase, ReadinessProbe } from '../../../src/observe/admin/health.ts'
import { healthRoutes, startAdminServer } from '../../../src/observe/admin/server.ts'
import type { HttpServer } from '../../../src/observe/http/server.ts'
import { SimulatedClock } from '../../support/clock.ts'
import { rawRequest } from '../profiles/fixtures/client.ts'

const logger = pino({ enabled: false })
let server: HttpServer
let phase: Phase

beforeEach(async () => {
  phase = 'running'
  const readiness = new ReadinessProbe(
    new SimulatedClock(),
    () => phase,
    async () => 'it answered'
  )
  const routes = new Map(healthRoutes(readiness, () => 12.9))
  server = await startAdminServer({ host: '127.0.0.1', port: 0, logger, routes })
})
afterEach(() => server.close())

const ask = (path: string, options = {}) => rawRequest(`http://${server.address}${path}`, options)

describe('health', () => {
  it('is alive whatever the node does', async () => {
    phase = 'stopping'
    const { status, headers, body } = await ask('/healthz')
    expect(status).toBe(200)
    expect(headers['content-type']).toMatch(/^application\/json/)
    expect(headers['cache-control']).toBe('no-store')
    expect(JSON.parse(body)).toEqual({ status: 'ok', uptimeSeconds: 12 })
  })

  it('is ready while clients are served, and says why when they are not', async () => {
    const ready = await ask('/readyz')
    expect(ready.status).toBe(200)
    expect(JSON.parse(ready.body).status).toBe('ready')
    phase = 'starting'
    const starting = await ask('/readyz')
    expect(starting.status).toBe(503)
    expect(JSON.parse(starting.body)).toEqual({
      status: 'not ready',
      checks: [{ name: 'listening', ok: false, detail: 'the node is starting' }]
    })
  })

  it('is told by its status alone, too', async () => {
    const { status, body } = await ask('/readyz', { method: 'HEAD' })
    expect([status, body]).toEqual([200, ''])
  })
})

describe('what is not served', () => {
  it.each(['/nothing', '/healthz/', '/HEALTHZ', '//healthz', '/__proto__'])(
    '%s is 404, with what there is',
    async (path) => {
      const { status, body } = await ask(path)
      expect(status).toBe(404)
      expect(body).toBe('no such page; there are:\n/healthz\n/readyz\n')
    }
  )

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])('%s is 405, and says what is allowed', async (method) => {
    const { status, headers } = await ask('/healthz', { method })
    expect([status, headers.allow]).toEqual([405, 'GET, HEAD'])
  })

  it('names of a web page are refused', async () => {
    expect((await ask('/healthz', { host: 'evil.example' })).status).toBe(403)
    expect((await ask('/healthz', { host: 'localhost' })).status).toBe(200)
  })

  it('headers without end are cut', async () => {
    const socket = connect(Number(server.address.split(':').at(-1)), '127.0.0.1')
    socket.on('error', () => {})
    let answer = ''
    socket.on('data', (data) => {
      answer += data
    })
    socket.write(`GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(100_000)}`)
    await once(socket, 'close')
    expect(answer).toMatch(/^HTTP\/1\.1 431 /)
  })
})

it('says which port is taken', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as { port: number }
  const started = startAdminServer({ host: '127.0.0.1', port, logger, routes: new Map() })
  await expect(started).rejects.toMatchObject({ code: 'ERR_ADMIN_LISTEN', facts: { address: '127.0.0.1', port } })
  other.close()
})
