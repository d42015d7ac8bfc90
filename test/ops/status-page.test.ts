import { rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { runLoad } from '../../bench/load.ts'
import type { StatusReport } from '../../src/observe/status-page/report.ts'
import { Daemon } from '../support/daemon.ts'
import { freePort } from '../support/port.ts'

const clients = 60
const loadSeconds = 40
/** Two refreshes of the page, on a busy machine. */
const refreshedMs = 30_000

let node: Daemon
let url: string
let address: string
let browser: Browser

beforeAll(async () => {
  const adminPort = await freePort()
  node = new Daemon([], {
    BOOTSTRAP_PORT: String(await freePort()),
    ADMIN_PORT: String(adminPort),
    CONN_MANAGER_LOW_WATER: '50',
    CONN_MANAGER_HIGH_WATER: '200'
  })
  await node.started()
  url = `http://127.0.0.1:${adminPort}/`
  address = (await node.printed(/Give this address to other nodes: (\S+)/))[1] ?? ''
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox']
  })
})

afterAll(async () => {
  await browser?.close()
  await node?.stop()
  rmSync(node.cwd, { recursive: true, force: true })
})

const pages: Page[] = []
const peers: Libp2p[] = []
afterEach(async () => {
  for (const page of pages.splice(0)) await page.context().close()
  for (const peer of peers.splice(0)) await peer.stop()
})

interface Opened {
  readonly page: Page
  /** What the browser complained of, and what it asked of anybody but the node. */
  readonly complaints: string[]
  text(id: string): Promise<string>
}

/** As it is when there is much to show, whatever the node shows: long lists, and every kind of advice. */
function crowded(report: StatusReport): StatusReport {
  const many = Array.from({ length: 50 }, (_, i) => i)
  const advice = (['act', 'watch', 'good', 'hint'] as const).map((verdict) => ({
    verdict,
    what: 'It is so.',
    todo: 'Do it.'
  }))
  const warnings = many.map((i) => ({
    atMs: i,
    level: i % 2 === 0 ? 'warn' : 'error',
    text: `warning ${i}`,
    times: 1 + i
  }))
  const shares = { top: many.map((i) => ({ name: `name-${i}`.repeat(10), connections: i })), others: 7 }
  const keys = many.map((i) => ({ name: `bafkrei${'a'.repeat(50)}${i}`, connected: i, away: 1 }))
  const node = { peerId: '', addresses: [], ...report.node, keys, agents: shares, prefixes: shares }
  return { ...report, advice, warnings, node }
}

async function openPage(
  options: BrowserContextOptions = {},
  shown: (report: StatusReport) => StatusReport = (report) => report
): Promise<Opened> {
  const context = await browser.newContext(options)
  const page = await context.newPage()
  pages.push(page)
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('request', (request) => {
    const { origin, protocol } = new URL(request.url())
    if (protocol !== 'data:' && origin !== new URL(url).origin) complaints.push(`asked ${request.url()}`)
  })
  await page.route('**/status.json', async (route) => {
    const answer = await route.fetch().catch(() => undefined)
    if (answer === undefined) await route.abort()
    else await route.fulfill({ json: shown(await answer.json()) })
  })
  await page.goto(url)
  await page.waitForSelector('#plots[data-points]')
  const text = async (id: string) => (await page.textContent(`#${id}`)) ?? ''
  return { page, complaints, text }
}

async function peerNamed(userAgent: string): Promise<void> {
  const peer = await createLibp2p({
    nodeInfo: { userAgent },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    services: { identify: identify() }
  })
  peers.push(peer)
  await peer.dial(multiaddr(address))
}

describe('the status page in a browser', () => {
  it('follows what real clients do', async () => {
    const { page, complaints, text } = await openPage()
    expect(await text('verdict')).toBe('Up, and it answers clients')
    expect(await text('version')).toContain('version ')

    const flags = { n: clients, qps: 40, t: loadSeconds, keys: 4, after: 1, settle: 1 }
    const load = runLoad('providers', { addr: address, pid: node.process.pid ?? 0 }, flags, () => {})
    const connections = async () => Number(await text('connections'))
    // and one for the node's own probe, while it lasts
    await expect.poll(connections, { timeout: refreshedMs }).toBeGreaterThanOrEqual(clients)
    expect(await connections()).toBeLessThanOrEqual(clients + 1)
    await expect.poll(() => text('rpcs'), { timeout: refreshedMs }).toContain('GET_PROVIDERS')
    await expect.poll(() => page.locator('#keys tr').count(), { timeout: refreshedMs }).toBe(4)
    const key = page.locator('#keys tr').first()
    expect(await key.locator('th').textContent()).toMatch(/^bafkrei[a-z2-7]{52}$/)
    expect(await key.locator('td').allTextContents()).toEqual([String(clients / 4), '0'])
    expect(await text('prefixes')).toContain('127.0.0.0/24')
    expect(await text('tiles')).toContain('Provider records60')
    await expect.poll(() => page.getAttribute('#plots', 'data-points'), { timeout: refreshedMs }).not.toBe('0')
    expect(await page.locator('#plots canvas').count()).toBe(9)
    expect(await page.locator('figcaption').first().textContent()).toMatch(/open from \d+ to \d+/)

    await load
    await expect.poll(connections, { timeout: refreshedMs }).toBeLessThan(clients / 2)
    expect(complaints).toEqual([])
  })

  it('copies an address, and says so', async () => {
    const { page, text } = await openPage({ permissions: ['clipboard-read', 'clipboard-write'] })
    const button = page.getByRole('button', { name: `Copy ${address}` })
    await button.focus()
    await page.keyboard.press('Enter')
    await expect.poll(() => button.textContent()).toBe('Copied')
    expect(await text('announcement')).toBe(`Copied ${address}`)
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(address)
  })

  it('shows hostile names as text', async () => {
    const hostile = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'
    await peerNamed(hostile)
    const { page, complaints, text } = await openPage()
    await expect.poll(() => text('agents'), { timeout: refreshedMs }).toContain(hostile.slice(0, 64))
    expect(await page.evaluate('window.hacked')).toBeUndefined()
    expect(await page.locator('main img, main script').count()).toBe(0)
    expect(complaints).toEqual([])
  })

  it('runs no script but its own', async () => {
    const { page, complaints } = await openPage()
    await page.evaluate(`document.body.insertAdjacentHTML('beforeend', '<img src="x:" onerror="window.hacked=1">')`)
    await expect.poll(() => complaints.join('\n')).toMatch(/Content Security Policy/)
    expect(await page.evaluate('window.hacked')).toBeUndefined()
  })

  it.each(['light', 'dark'] as const)('is readable by screen readers, and in %s colours', async (colorScheme) => {
    const { page } = await openPage({ colorScheme, bypassCSP: true }, crowded)
    const background = await page.evaluate('getComputedStyle(document.documentElement).backgroundColor')
    expect(background).toBe(colorScheme === 'light' ? 'rgb(246, 247, 249)' : 'rgb(15, 18, 22)')
    await expect.poll(() => page.locator('.scroll[tabindex="0"]').count()).toBe(3)
    await page.addScriptTag({ content: await readFile(createRequire(import.meta.url).resolve('axe-core'), 'utf8') })
    const violations = await page.evaluate(
      'axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)]))'
    )
    expect(violations).toEqual([])
  })

  it('fits a phone', async () => {
    const { page } = await openPage({ viewport: { width: 390, height: 844 } }, crowded)
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390)
  })

  it('shows another time when asked by keyboard', async () => {
    const { page } = await openPage()
    const asked = page.waitForRequest((request) => request.url().endsWith('history.json?hours=24'))
    await page.getByRole('button', { name: '24 hours' }).focus()
    await page.keyboard.press('Space')
    await asked
    expect(await page.getByRole('button', { pressed: true }).allTextContents()).toEqual(['24 hours'])
  })

  // the last: it ends the node
  it('says that the node does not answer any more', async () => {
    const { page, text } = await openPage()
    expect(await page.locator('#silence').isVisible()).toBe(false)
    await node.stop('SIGKILL')
    await expect.poll(() => page.locator('#silence').isVisible(), { timeout: refreshedMs }).toBe(true)
    expect(await text('verdict')).toBe('No answer from the node')
    expect(await text('silence')).toMatch(/^The node does not answer any more\. All below is as of \d\d:\d\d:\d\d\./)
  })
})
