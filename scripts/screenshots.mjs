// Writes the README's pictures of the status page, from a node with some 300 clients. What the node shows is real but for the
// plots: an hour of history that ends with the real values takes an hour to make, so it is made up here.
// Needs a build, Go, and Chromium (CHROMIUM, default /usr/bin/chromium).
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { runLoad } from '../bench/load.ts'
import { Daemon } from '../test/support/daemon.ts'
import { freePort } from '../test/support/port.ts'

const images = fileURLToPath(new URL('../docs/images/', import.meta.url))
const maxBytes = 150_000
const clients = 300
const loadSeconds = 45
const pictures = [
  { name: 'status-light', colorScheme: 'light', viewport: { width: 1160, height: 1130 } },
  { name: 'status-dark', colorScheme: 'dark', viewport: { width: 1160, height: 1130 } },
  { name: 'status-phone', colorScheme: 'light', viewport: { width: 390, height: 844 } }
]

const directory = mkdtempSync(join(tmpdir(), 'screenshots-'))
const adminPort = await freePort()
const node = new Daemon([], {
  BOOTSTRAP_PORT: String(await freePort()),
  ADMIN_PORT: String(adminPort),
  PUBLIC_IP: '203.0.113.7',
  CONN_MANAGER_LOW_WATER: '300',
  CONN_MANAGER_HIGH_WATER: '500',
  DATA_DIR: directory
})
try {
  await node.started()
  const [, addr = ''] = await node.printed(/Give this address to other nodes: (\S+)/)
  const target = { addr: addr.replace('203.0.113.7', '127.0.0.1'), pid: node.process.pid ?? 0 }
  const flags = { n: clients, qps: 80, t: loadSeconds, keys: 8, after: 1, settle: 1 }
  const load = runLoad('providers', target, flags, () => {})
  await takeAll(`http://127.0.0.1:${adminPort}/`)
  await load
} finally {
  await node.stop()
  rmSync(directory, { recursive: true })
  rmSync(node.cwd, { recursive: true })
}

async function takeAll(url) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox']
  })
  try {
    // joined, provided, and asked for a while
    await new Promise((resolve) => setTimeout(resolve, 25_000))
    for (const { name, ...look } of pictures) {
      const context = await browser.newContext({ ...look, timezoneId: 'UTC' })
      const page = await context.newPage()
      await page.route('**/history.json*', async (route) => {
        const status = await (await fetch(`${url}status.json`)).json()
        await route.fulfill({ json: anHourBefore(status) })
      })
      await page.goto(url)
      await page.waitForSelector('#plots[data-points="360"]')
      const path = join(images, `${name}.png`)
      await page.screenshot({ path })
      const { size } = statSync(path)
      if (size > maxBytes) throw new Error(`${path} has ${size} bytes, more than ${maxBytes}`)
      console.log(`${path}: ${size} bytes`)
      await context.close()
    }
  } finally {
    await browser.close()
  }
}

/** A quiet hour that ends with what the node shows now. The same each time, so that pictures differ where the page does. */
function anHourBefore({ atMs, figures }) {
  let seed = 7
  const random = () => {
    seed = (seed * 16_807) % 2_147_483_647
    return seed / 2_147_483_647
  }
  const ends = {
    connections: [figures.connections, 0.02, 0.7],
    joins: [1.5, 0.9, 1],
    leaves: [1.2, 0.9, 1],
    refusals: [0, 0, 1],
    evictions: [0, 0, 1],
    handshakeP99: [figures.handshakeP99Seconds ?? 0.02, 0.4, 1],
    rpcs: [figures.rpcPerSecond, 0.25, 0.8],
    rpcP50: [figures.rpcP50Seconds, 0.2, 1],
    rpcP99: [figures.rpcP99Seconds, 0.5, 1],
    records: [figures.providerRecords, 0.01, 0.6],
    heap: [figures.heapBytes, 0.08, 0.85],
    resident: [figures.residentBytes, 0.01, 0.9],
    eventLoop: [figures.eventLoopDelaySeconds ?? 0.005, 0.5, 1],
    cpu: [figures.cpuShare, 0.4, 0.8]
  }
  const points = 360
  const series = Object.fromEntries(
    Object.entries(ends).map(([name, [end, noise, start]]) => {
      let drift = 0
      const valueAt = (i) => {
        drift += 0.06 * (random() - 0.5 - drift)
        return (
          end *
          (start + (1 - start) * Math.sqrt(i / points)) *
          (1 + 5 * noise * drift * Math.min(1, (points - 1 - i) / 20))
        )
      }
      return [name, Array.from({ length: points }, (_, i) => valueAt(i))]
    })
  )
  const now = Math.round(atMs / 1000)
  return { stepSeconds: 10, times: Array.from({ length: points }, (_, i) => now - (points - 1 - i) * 10), series }
}
