import { describe, expect, it } from 'vitest'
import {
  clock,
  dataDir,
  examine,
  heap,
  keyFile,
  listenAddresses,
  logFile,
  memory,
  openFiles,
  operatorServers,
  ports,
  publicIp
} from '../../../src/cli/doctor/checks.ts'
import type { Facts } from '../../../src/cli/doctor/facts.ts'
import { memoryNeed } from '../../../src/cli/doctor/need.ts'
import { configFrom } from '../../../src/config/index.ts'

const config = configFrom({})
const facts: Facts = {
  openFiles: 65_536,
  memory: { bytes: 8e9, of: 'machine' },
  heapBytes: 2e9,
  ports: [{ address: '0.0.0.0', state: 'free', detail: '' }],
  clock: { nowMs: Date.UTC(2026, 10, 23), isSynchronized: undefined },
  addresses: ['127.0.0.1', '8.8.4.4'],
  isContainer: false,
  dataDir: { path: '/var/lib/node', problem: undefined, freeBytes: 10e9 },
  keyFile: { path: '/var/lib/node/identity.key', mode: 0o600 },
  logDir: undefined
}

it('finds nothing on a machine that fits the defaults', () => {
  expect(examine(facts, config).filter(({ level }) => level !== 'ok')).toEqual([])
})

it('whoever is warned is told what to do', () => {
  const bad: Facts = {
    ...facts,
    openFiles: 1_024,
    memory: { bytes: 1e9, of: 'container' },
    heapBytes: 2e9,
    ports: [{ address: '0.0.0.0', state: 'taken', detail: 'it is a web server' }],
    clock: { nowMs: 0, isSynchronized: false },
    addresses: ['127.0.0.1', '10.0.0.2'],
    dataDir: { path: '/x', problem: 'EACCES', freeBytes: undefined },
    keyFile: { path: '/x/identity.key', mode: 0o644 }
  }
  const findings = examine(bad, config)
  expect(findings.map(({ level }) => level)).not.toContain('ok')
  for (const { advice } of findings) expect(advice).toMatch(/\w/)
})

describe('open files', () => {
  it.each([
    [50_300, 'ok'],
    [50_299, 'warn'],
    [20_300, 'warn'],
    [20_299, 'fail'],
    [undefined, 'ok'],
    [Number.POSITIVE_INFINITY, 'ok']
  ])('%s are %s for 20,000 to 50,000 connections', (limit, level) => {
    expect(openFiles({ openFiles: limit }, config).level).toBe(level)
  })

  it('names the limit to set, wherever it is set', () => {
    const { advice } = openFiles({ openFiles: 1_024 }, config)
    expect(advice).toMatch(/LimitNOFILE=50300.*NOFILE_LIMIT=50300.*ulimit -n 50300/)
  })
})

describe('memory', () => {
  it.each([
    [4e9, 'ok'],
    [3e9, 'warn'],
    [1e9, 'fail']
  ])('%s bytes are %s for the defaults', (bytes, level) => {
    expect(memory({ memory: { bytes, of: 'container' } }, config).level).toBe(level)
  })

  it('names a high water that fits', () => {
    const { advice } = memory({ memory: { bytes: 2e9, of: 'machine' } }, config)
    const fits = Number(advice?.match(/at most ([\d,]+)/)?.[1]?.replaceAll(',', ''))
    expect(memoryNeed(config, fits)).toBeLessThanOrEqual(2e9)
    expect(memoryNeed(config, fits + 1)).toBeGreaterThan(2e9)
    const smaller = configFrom({ CONN_MANAGER_HIGH_WATER: String(fits), CONN_MANAGER_LOW_WATER: '1000' })
    expect(memory({ memory: { bytes: 2e9, of: 'machine' } }, smaller).level).toBe('ok')
  })
})

describe('the heap limit', () => {
  const big = configFrom({ CONN_MANAGER_HIGH_WATER: '300000' })

  it.each([
    [config, 8e9, 2e9, 'ok'],
    [big, 32e9, 2e9, 'warn'],
    [big, 32e9, 5e9, 'ok'],
    // no more than fit into the memory are counted
    [big, 8e9, 2.1e9, 'ok'],
    [config, 1e9, 2e9, 'warn']
  ])('case %#', (of, bytes, heapBytes, level) => {
    expect(heap({ heapBytes, memory: { bytes, of: 'machine' } }, of).level).toBe(level)
  })
})

describe('the port', () => {
  it.each([
    ['free', 'ok'],
    ['ours', 'ok'],
    ['taken', 'fail'],
    ['forbidden', 'fail'],
    ['failed', 'fail']
  ] as const)('%s is %s', (state, level) => {
    expect(ports({ ports: [{ address: '0.0.0.0', state, detail: 'so' }] }, config)[0]?.level).toBe(level)
  })

  it('is not spoken of when nobody looked', () => {
    expect(ports({ ports: undefined }, config)).toEqual([])
  })
})

it.each([
  [Date.UTC(2026, 6, 1), undefined, 'ok'],
  [Date.UTC(2026, 6, 1), true, 'ok'],
  [Date.UTC(2026, 6, 1), false, 'warn'],
  [0, true, 'fail'],
  [Date.UTC(2150, 0, 1), true, 'fail']
])('a clock at %s, synchronized: %s, is %s', (nowMs, isSynchronized, level) => {
  expect(clock({ clock: { nowMs, isSynchronized } }).level).toBe(level)
})

describe('addresses', () => {
  it.each([
    ['0.0.0.0,::', 0],
    ['127.0.0.1', 0],
    ['10.0.0.2', 0],
    ['10.0.0.3', 1]
  ])('LISTEN_ADDRESS=%s', (listen, problems) => {
    const has = { addresses: ['127.0.0.1', '10.0.0.2'] }
    expect(listenAddresses(has, configFrom({ LISTEN_ADDRESS: listen }))).toHaveLength(problems)
  })

  it.each([
    ['8.8.8.8', '0.0.0.0', 'ok'],
    ['10.0.0.2', '0.0.0.0', 'warn'],
    ['100.64.3.4', '0.0.0.0', 'warn'],
    ['169.254.3.4', '0.0.0.0', 'warn'],
    ['127.0.0.1', '0.0.0.0', 'fail'],
    ['203.0.113.5', '0.0.0.0', 'fail'],
    ['2606:4700::1', '0.0.0.0', 'warn'],
    ['2606:4700::1', '0.0.0.0,::', 'ok'],
    ['', '0.0.0.0', 'warn'],
    ['', '127.0.0.1', 'ok'],
    ['', '8.8.4.4', 'ok']
  ])('PUBLIC_IP=%s, listening on %s: %s', (ip, listen, level) => {
    const of = configFrom({ PUBLIC_IP: ip, LISTEN_ADDRESS: listen })
    expect(publicIp({ addresses: ['127.0.0.1', '10.0.0.2'] }, of).level).toBe(level)
  })
})

describe('what is written', () => {
  it.each([
    [undefined, 10e9, 'ok'],
    [undefined, 400e6, 'warn'],
    [undefined, 10e6, 'fail'],
    [undefined, undefined, 'ok'],
    ['EACCES', undefined, 'fail']
  ])('DATA_DIR: %s, %s bytes free: %s', (problem, freeBytes, level) => {
    expect(dataDir({ dataDir: { path: '/d', problem, freeBytes } }, config).level).toBe(level)
  })

  it.each([
    [0o600, 'ok'],
    [0o400, 'ok'],
    [0o640, 'warn'],
    [0o604, 'warn']
  ])('a key file of mode %o', (mode, level) => {
    expect(keyFile({ keyFile: { path: '/d/identity.key', mode } })[0]?.level).toBe(level)
  })

  it('the log needs room for all its files', () => {
    const logging = configFrom({ LOG_FILE: '/l/node.log', LOG_MAX_SIZE_MB: '100', LOG_MAX_BACKUPS: '4' })
    const level = (freeBytes: number) =>
      logFile({ logDir: { path: '/l', problem: undefined, freeBytes } }, logging)[0]?.level
    expect([level(500e6), level(499e6), level(1e6)]).toEqual(['ok', 'warn', 'fail'])
    expect(logFile({ logDir: undefined }, config)).toEqual([])
  })
})

it('servers for operators that the world may reach are told of, except in a container', () => {
  const open = configFrom({
    ADMIN_ADDRESS: '0.0.0.0',
    PPROF_PORT: '6060',
    PPROF_ADDRESS: '::',
    ADMIN_ALLOW_REMOTE: 'true'
  })
  expect(operatorServers({ isContainer: false }, open).map(({ name }) => name)).toEqual([
    'ADMIN_ADDRESS',
    'PPROF_ADDRESS'
  ])
  expect(operatorServers({ isContainer: true }, open)).toEqual([])
  expect(operatorServers({ isContainer: false }, configFrom({ PPROF_PORT: '6060' }))).toEqual([])
})
