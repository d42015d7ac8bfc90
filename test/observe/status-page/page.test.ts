import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startAdminServer } from '../../../src/observe/admin/server.ts'
import type { HttpServer } from '../../../src/observe/http/server.ts'
import { keyName, type NodeView } from '../../../src/observe/status-page/node-view.ts'
import { type StatusPage, startStatusPage } from '../../../src/observe/status-page/page.ts'
import type { StatusReport } from '../../../src/observe/status-page/report.ts'
import { SimulatedClock } from '../../support/clock.ts'
import { collectedLog } from '../../support/log.ts'
import { rawRequest } from '../profiles/fixtures/client.ts'
import { healthy } from './metrics.ts'

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'status-page-'))
  const files = {
    'index.html': '<link href="assets/page.css"><script src="assets/page.js"></script>',
    'page.js': 'run()',
    'page.css': 'body {}'
  }
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content)
})
afterAll(() => rmSync(directory, { recursive: true }))

const open: { page: StatusPage; server: HttpServer }[] = []
afterEach(async () => {
  for (const { page, server } of open.splice(0)) {
    page.stop()
    await server.close()
  }
})

/** What a node shows of 200 keys; it counts how often they are looked at. */
class View implements NodeView {
  readonly peerId = 'QmNode'
  looked = 0
  addresses = () => ['/ip4/127.0.0.1/tcp/4001/p2p/QmNode']
  agents = () => [{ name: '<b>go</b>', connections: 40 }]
  prefixes = () => Array.from({ length: 60 }, (_, i) => ({ name: `10.0.${i}.0/24`, connections: 100 - i }))
  keys = () => {
    this.looked++
    return Array.from({ length: 200 }, (_, i) => ({ text: `key ${i}`, records: i + 1, connected: i % 3 }))
  }
}

async function setUp(view: NodeView | null = new View()) {
  const clock = new SimulatedClock()
  const { logger } = collectedLog()
  const page = startStatusPage({
    registry: healthy(),
    readiness: {
      read: async () => ({ ready: true, checks: [{ name: 'find-node', ok: true, detail: 'it answered' }] })
    },
    phase: () => (view === null ? 'starting' : 'running'),
    node: () => view ?? undefined,
    warnings: { all: [{ atMs: 0, level: 'warn', text: 'careful', times: 1 }] },
    version: '1.2.3',
    keepsState: true,
    clock,
    logger,
    assets: pathToFileURL(`${directory}/`)
  })
  const routes = new Map(page.routes)
  const server = await startAdminServer({ host: '127.0.0.1', port: 0, logger, routes })
  open.push({ page, server })
  const get = (path: string, init?: RequestInit) => fetch(`http://${server.address}${path}`, init)
  const status = async () => (await (await get('/status.json')).json()) as StatusReport
  return { clock, get, status, server }
}

describe('the status page', () => {
  it('lets nothing but its own files run, and shows no address to others', async () => {
    const { get } = await setUp()
    const { headers } = await get('/')
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin')
  })

  it('names assets by their content, so that browsers keep them', async () => {
    const { get } = await setUp()
    const html = await (await get('/')).text()
    const paths = [...html.matchAll(/(?:href|src)="(assets\/[^"]+)"/g)].map(([, path]) => path)
    const answers = await Promise.all(paths.map((path) => get(`/${path}`)))
    expect(answers.map(({ headers }) => headers.get('content-type'))).toEqual([
      'text/css; charset=utf-8',
      'text/javascript; charset=utf-8'
    ])
    expect(answers.map(({ headers }) => headers.get('cache-control'))).toEqual(
      Array(2).fill('public, max-age=31536000, immutable')
    )
    expect(await answers[1]?.text()).toBe('run()')
  })

  it('may be linked to, and nothing else may', async () => {
    const { server } = await setUp()
    const headers = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
    const followed = async (path: string) => (await rawRequest(`http://${server.address}${path}`, { headers })).status
    expect(await followed('/')).toBe(200)
    expect(await followed('/status.json')).toBe(403)
    expect(await followed('/history.json')).toBe(403)
  })

  it('only answers who reads', async () => {
    const { get } = await setUp()
    for (const path of ['/', '/status.json', '/history.json']) {
      expect((await get(path, { method: 'POST' })).status).toBe(405)
      expect([
        (await get(path, { method: 'HEAD' })).status,
        await (await get(path, { method: 'HEAD' })).text()
      ]).toEqual([200, ''])
    }
    expect((await get('/assets/page.js')).status).toBe(404)
    expect((await get('/assets/../../etc/passwd')).status).toBe(404)
  })

  it('does not answer to a name that a site could give to this machine', async () => {
    const { server } = await setUp()
    const [hostname = '', port] = server.address.split(':')
    const status = await new Promise((resolve, reject) => {
      const asked = request({ hostname, port, path: '/status.json', headers: { host: 'evil.example' } }, (answer) => {
        answer.resume()
        resolve(answer.statusCode)
      })
      asked.on('error', reject).end()
    })
    expect(status).toBe(403)
  })
})

describe('status.json', () => {
  it('has figures, advice, details and warnings', async () => {
    const { status } = await setUp()
    expect(await status()).toMatchObject({
      phase: 'running',
      version: '1.2.3',
      reach: { ok: true, detail: 'it answered' },
      advice: [{ verdict: 'good' }],
      figures: { connections: 40, cap: 200 },
      node: { peerId: 'QmNode', agents: { top: [{ name: '<b>go</b>', connections: 40 }], others: 0 } },
      warnings: [{ text: 'careful' }]
    })
  })

  it('lists the 50 first and counts the others', async () => {
    const { node } = await setUp().then(({ status }) => status())
    expect(node?.keys).toHaveLength(50)
    expect(node?.keys[0]).toEqual({ name: Buffer.from('key 199').toString('hex'), connected: 1, away: 199 })
    expect(node?.prefixes.top).toHaveLength(50)
    expect(node?.prefixes.others).toBe(50 + 49 + 48 + 47 + 46 + 45 + 44 + 43 + 42 + 41)
  })

  it('looks at all keys once within 5 s, however many ask', async () => {
    const view = new View()
    const { clock, status } = await setUp(view)
    await Promise.all(Array.from({ length: 20 }, status))
    expect(view.looked).toBe(1)
    clock.advance(5_000)
    await status()
    expect(view.looked).toBe(2)
  })

  it('is there while the node starts', async () => {
    const { status } = await setUp(null)
    expect((await status()).node).toBeNull()
  })
})

describe('history.json', () => {
  it('has the last hour, or what is asked for up to a day', async () => {
    const { get } = await setUp()
    expect(await (await get('/history.json')).json()).toMatchObject({ stepSeconds: 10, times: [] })
    expect(await (await get('/history.json?hours=24')).json()).toMatchObject({ stepSeconds: 60 })
  })

  it.each(['0', '-1', '25', 'x', 'NaN', 'Infinity', '1e9'])('refuses %s hours', async (hours) => {
    const { get } = await setUp()
    const answer = await get(`/history.json?hours=${hours}`)
    expect([answer.status, await answer.text()]).toEqual([400, 'hours is a number above 0, 24 at most\n'])
  })
})

it('shows a key as Go does', () => {
  // sha2-256 of the empty text
  const multihash = Buffer.from('1220e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', 'hex')
  expect(keyName(multihash)).toBe('bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku')
  expect(keyName(Buffer.from('hello'))).toBe('68656c6c6f')
  expect(keyName(Buffer.alloc(1_000, 1)).length).toBe(65)
})
