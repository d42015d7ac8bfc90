import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { runLoad } from '../../bench/load.ts'
import { Daemon } from '../support/daemon.ts'
import { freePort } from '../support/port.ts'
import { hasPrometheus, monitoring, Prometheus, promtool, queriesOf } from './prometheus.ts'

const rules = [...readFileSync(join(monitoring, 'alerts.yml'), 'utf8').matchAll(/- alert: (\w+)/g)].map(
  ([, name]) => name
)
const clients = 60

describe.skipIf(!hasPrometheus)('the alert rules', () => {
  it('are valid', () => {
    expect(promtool(['check', 'rules', 'alerts.yml'])).toMatchObject({ code: 0 })
    expect(promtool(['check', 'config', 'prometheus.yml'])).toMatchObject({ code: 0 })
  })

  it('fire when they should, each alone, and not otherwise', () => {
    const { code, output } = promtool(['test', 'rules', 'alerts.test.yml'])
    expect([code, output]).toEqual([0, expect.stringContaining('SUCCESS')])
    const tested = readFileSync(join(monitoring, 'alerts.test.yml'), 'utf8')
    for (const name of rules) expect(tested, `${name} has no test`).toContain(`alertname="${name}"`)
  })
})

const hasCompose = spawnSync('docker-compose', ['--version']).status === 0
if (!hasCompose) process.stderr.write('\nTHE COMPOSE FILE WAS NOT READ: no docker-compose\n\n')

it.skipIf(!hasCompose)('compose finds what it is told to start beside the node', () => {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const files = ['docker-compose.yaml', 'deploy/monitoring.compose.yaml'].flatMap((name) => ['-f', name])
  const { status, stdout, stderr } = spawnSync('docker-compose', [...files, 'config'], { cwd: root, encoding: 'utf8' })
  expect([status, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(/^ {2}bootstrap-node:$/m)
  const mounted = [...stdout.matchAll(/(\/\S*\/deploy\/monitoring[^\s:]*)/g)].map(([, path = '']) => path)
  expect(mounted).toHaveLength(4)
  for (const path of mounted) expect(existsSync(path), path).toBe(true)
  // reached from this machine only
  expect(stdout.match(/127\.0\.0\.1:\d*:\d+|host_ip: 127\.0\.0\.1/g)).toHaveLength(4)
})

describe.skipIf(!hasPrometheus)('Prometheus beside a node under load', () => {
  let daemon: Daemon
  let admin: string
  let prometheus: Prometheus
  let load: Promise<unknown>

  beforeAll(async () => {
    const [port, adminPort] = [await freePort(), await freePort()]
    admin = `127.0.0.1:${adminPort}`
    daemon = new Daemon(['--port', String(port)], { ADMIN_PORT: String(adminPort), DATA_DIR: 'data' })
    await daemon.started()
    const [, address = ''] = await daemon.printed(/Give this address to other nodes: (\S+)/)
    prometheus = await Prometheus.start(admin)
    const target = { addr: address.replace(/^\/ip4\/[^/]+/, '/ip4/127.0.0.1'), pid: daemon.process.pid ?? 0 }
    load = runLoad('providers', target, { n: clients, qps: 50, t: 30, settle: 0, after: 0 }, () => {})
    // awaited at the end, and its failure with it
    load.catch(() => {})
    // a scanner
    connect(port, '127.0.0.1')
      .on('error', () => {})
      .end('GET / HTTP/1.1\r\n\r\n')
    const asked = 'rate(bootstrap_rpc_seconds_count{type="GET_PROVIDERS",result="ok"}[10s]) > 0'
    const answered = async () => expect(await prometheus.query(asked)).toHaveLength(1)
    await vi.waitFor(answered, { timeout: 60_000, interval: 500 })
  })

  afterAll(async () => {
    await load?.catch(() => {})
    await prometheus?.stop()
    await daemon?.stop()
  })

  it('finds nothing to object to in the text', async () => {
    const text = await (await fetch(`http://${admin}/metrics`)).text()
    expect(promtool(['check', 'metrics'], text)).toEqual({ code: 0, output: '' })
  })

  it.each(hasPrometheus ? queriesOf('grafana/bootstrap-node.json') : [])('shows %s: %s', async (_title, query) => {
    expect(await prometheus.query(query)).not.toEqual([])
  })

  it('counts the clients', async () => {
    const [peers] = await prometheus.query('bootstrap_connected_peers')
    expect(Number(peers?.value[1])).toBe(clients)
    const [records] = await prometheus.query('bootstrap_provider_records')
    expect(Number(records?.value[1])).toBe(clients)
  })

  it('understands every rule, and nothing is alarming', async () => {
    await expect.poll(async () => (await prometheus.rules()).every(({ health }) => health === 'ok')).toBe(true)
    const known = await prometheus.rules()
    expect(known.map(({ name }) => name)).toEqual(rules)
    expect(known.filter(({ state }) => state === 'firing').map(({ name }) => name)).toEqual([])
  })
})
