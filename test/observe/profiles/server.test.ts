import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { connect, createServer } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { HttpServer } from '../../../src/observe/http/server.ts'
import { startProfileServer } from '../../../src/observe/profiles/server.ts'
import { fetchProfile, rawRequest } from './fixtures/client.ts'
import { burnCpu, holdMemory, makeGarbage, releaseMemory } from './fixtures/workload.ts'

const MIB = 1024 * 1024
const logger = pino({ enabled: false })
const HEAP_TYPES = ['alloc_objects/count', 'alloc_space/bytes', 'inuse_objects/count', 'inuse_space/bytes']

let server: HttpServer
let root: string

beforeEach(async () => {
  server = await startProfileServer({ host: '127.0.0.1', port: 0, logger })
  root = `http://${server.address}/debug/pprof/`
})

afterEach(async () => {
  releaseMemory()
  await server.close()
})

describe('heap', () => {
  it("shows what is held, in Go's sample types", async () => {
    holdMemory(48) // about 96 samples, so that half of it or twice as much would be 5 sigma off
    const heap = await fetchProfile(`${root}heap`)
    expect(heap.sampleTypes).toEqual(HEAP_TYPES)
    expect(heap.defaultSampleType).toBe('inuse_space')
    const { inuse_space, inuse_objects, alloc_space, alloc_objects } = heap.flat('holdMemory')
    expect(inuse_space).toBeGreaterThan(24 * MIB)
    expect(inuse_space).toBeLessThan(96 * MIB)
    expect(inuse_objects).toBeGreaterThan(24 * 1024) // a KiB each
    expect(inuse_objects).toBeLessThan(96 * 1024)
    expect(alloc_space).toBeGreaterThanOrEqual(inuse_space!)
    expect(alloc_objects).toBeGreaterThanOrEqual(inuse_objects!)
    expect(heap.fileOf('holdMemory')).toMatch(/fixtures\/workload\.ts$/)
    expect(heap.flat('[external: Buffers and native memory]').inuse_space).toBeGreaterThan(0)
  })

  it('shows garbage as allocated, and not as in use after a collection', async () => {
    for (let i = 0; i < 20; i++) {
      makeGarbage(2)
      await fetchProfile(`${root}heap`) // each reading sees what was made since the one before
    }
    const { alloc_space, inuse_space } = (await fetchProfile(`${root}heap?gc=1`)).flat('makeGarbage')
    expect(alloc_space).toBeGreaterThan(16 * MIB)
    expect(alloc_space).toBeLessThan(80 * MIB)
    expect(inuse_space).toBeLessThan(4 * MIB)
  })

  it('never says that less was allocated than before', async () => {
    makeGarbage(8)
    const before = await fetchProfile(`${root}allocs`)
    expect(before.defaultSampleType).toBe('alloc_space')
    makeGarbage(200) // many scavenges without a reading: most of it dies unseen
    holdMemory(8) // a gap in the numbers is known once a younger sample is seen
    const after = await fetchProfile(`${root}allocs?gc=1`)
    expect(after.flat('makeGarbage').alloc_space).toBeGreaterThanOrEqual(before.flat('makeGarbage').alloc_space!)
    expect(after.total.alloc_space! - before.total.alloc_space!).toBeGreaterThan(100 * MIB)
    expect(after.flat('[collected before it was seen]').alloc_space).toBeGreaterThan(50 * MIB)
    expect(after.comments.join()).toMatch(/[1-9]\d* more stand, .* \[collected before it was seen\]/)
  })

  it('says so where another sampler has the isolate', async () => {
    const second = await startProfileServer({ host: '127.0.0.1', port: 0, logger })
    try {
      const refused = await rawRequest(`http://${second.address}/debug/pprof/heap`)
      expect(refused.status).toBe(503)
      expect(refused.body).toMatch(/^no heap profile: .*already started/)
      expect((await rawRequest(`http://${second.address}/debug/pprof/goroutine`)).status).toBe(200)
    } finally {
      await second.close()
    }
    expect((await fetchProfile(`${root}heap`)).total.inuse_space).toBeGreaterThan(0)
  })
})

describe('profile', () => {
  it('shows where CPU time went', async () => {
    const pending = fetchProfile(`${root}profile?seconds=1`)
    await busyProfile()
    burnCpu(300)
    const cpu = await pending
    expect(cpu.sampleTypes).toEqual(['samples/count', 'cpu/nanoseconds'])
    expect(cpu.durationMs).toBeGreaterThanOrEqual(999)
    expect(cpu.flat('burnCpu').cpu).toBeGreaterThan(150e6)
    expect(cpu.flat('(idle)').cpu).toBe(0)
    expect(cpu.flat('dispatch').cpu).toBeLessThan(50e6) // the start of the recording itself, in node:inspector
  })

  it('is taken once at a time, and ends with its client', async () => {
    const client = new AbortController()
    const first = fetch(`${root}profile?seconds=300`, { signal: client.signal })
    const refused = await busyProfile()
    expect(refused).toMatch(/one at a time/)
    client.abort()
    await expect(first).rejects.toThrow()
    const next = await freeProfile()
    expect(next.durationMs).toBeLessThan(10_000)
  })

  it('ends with the server', async () => {
    const pending = fetch(`${root}profile?seconds=300`)
    await busyProfile()
    const outcome = expect(pending).rejects.toThrow()
    const began = performance.now()
    await server.close()
    expect(performance.now() - began).toBeLessThan(2000)
    await outcome
  })

  /** The words of the refusal, once a profile is under way. */
  async function busyProfile(): Promise<string> {
    for (;;) {
      const client = new AbortController()
      const response = await fetch(`${root}profile?seconds=300`, {
        signal: AbortSignal.any([client.signal, AbortSignal.timeout(200)])
      }).catch(() => undefined)
      if (response?.status === 409) return response.text()
      client.abort()
    }
  }

  async function freeProfile(): ReturnType<typeof fetchProfile> {
    for (;;) {
      try {
        return await fetchProfile(`${root}profile?seconds=1`)
      } catch (error) {
        if (!String(error).includes('409')) throw error
      }
    }
  }
})

describe('goroutine', () => {
  it('groups sockets by the server that accepted them', async () => {
    const { body } = await rawRequest(`${root}goroutine?debug=1`)
    expect(body).toMatch(/^goroutine profile: total [1-9]/)
    expect(body).toContain(`1 @ Server: listening on ${server.address}`)
    expect(body).toMatch(new RegExp(`[1-9] @ Socket: inbound, accepted on ${server.address}`))
    expect((await rawRequest(`${root}goroutine`)).body.split('\n')[1]).toBe(body.split('\n')[1])
  })

  it('shows each with its addresses', async () => {
    const { body } = await rawRequest(`${root}goroutine?debug=2`)
    expect(body).toMatch(
      new RegExp(
        `\\[Socket\\]: inbound, accepted on ${server.address}\\n    local ${server.address}, remote 127.0.0.1:\\d+, state open, read \\d+ B`
      )
    )
  })

  it('shows who made what lives on', async () => {
    const pending = rawRequest(`${root}goroutine?debug=2&seconds=1`)
    let timer: NodeJS.Timeout | undefined
    const probe = setInterval(() => {
      clearTimeout(timer)
      timer = makeTimer()
    }, 20)
    const { body } = await pending
    clearInterval(probe)
    clearTimeout(timer)
    expect(body).toMatch(/1 × Timeout, created\n( {4}at .*\n)* {4}at makeTimer /)
  })

  function makeTimer(): NodeJS.Timeout {
    return setTimeout(() => {}, 60_000)
  }
})

describe('heapsnapshot', () => {
  it('streams a snapshot', async () => {
    const response = await fetch(`${root}heapsnapshot`)
    expect(response.headers.get('content-disposition')).toMatch(/^attachment; filename="heap-\d+\.heapsnapshot"$/)
    const snapshot = JSON.parse(await response.text()) as { snapshot: { node_count: number } }
    expect(snapshot.snapshot.node_count).toBeGreaterThan(1000)
  })

  it('is not taken for an image on a web page', async () => {
    const headers = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' }
    expect((await rawRequest(`${root}heapsnapshot`, { headers })).status).toBe(403)
  })

  it('can be taken again after a client has left in the middle', async () => {
    const client = new AbortController()
    const response = await fetch(`${root}heapsnapshot`, { signal: client.signal })
    expect(response.status).toBe(200)
    client.abort()
    let status = 0
    while (status !== 200) status = (await rawRequest(`${root}heapsnapshot`)).status
  })
})

describe('http', () => {
  it('has an index, and leads to it', async () => {
    const { status, headers, body } = await rawRequest(root)
    expect(status).toBe(200)
    expect(headers['content-type']).toMatch(/^text\/html/)
    for (const name of ['allocs', 'cmdline', 'goroutine?debug=1', 'heap', 'heapsnapshot', 'profile']) {
      expect(body).toContain(`href="${name}"`)
    }
    expect(body).toContain('STOPS THE PROCESS')
    const redirect = await rawRequest(`http://${server.address}/debug/pprof`)
    expect([redirect.status, redirect.headers.location]).toEqual([301, '/debug/pprof/'])
  })

  it.each(['/', '/debug/pprof/block', '/debug/pprof/heap/', '/debug/pprof/constructor', '//'])(
    'has no %s',
    async (path) => {
      const { status, body } = await rawRequest(`http://${server.address}${path}`)
      expect(status).toBe(404)
      expect(body).toContain('/debug/pprof/heap\n')
    }
  )

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('refuses %s', async (method) => {
    const { status, headers } = await rawRequest(`${root}heap`, { method })
    expect([status, headers.allow]).toEqual([405, 'GET, HEAD'])
  })

  it('answers HEAD without doing the work', async () => {
    const { status, headers, body } = await rawRequest(`${root}profile?seconds=300`, { method: 'HEAD' })
    expect([status, body]).toEqual([200, ''])
    expect(headers['content-type']).toBe('application/octet-stream')
  })

  it.each([
    'profile?seconds=0',
    'profile?seconds=301',
    'profile?seconds=1.5',
    'profile?seconds=',
    'profile?seconds=abc',
    'profile?seconds=-1',
    'goroutine?debug=3',
    'goroutine?debug=x',
    'goroutine?seconds=1',
    'goroutine?debug=2&seconds=0',
    'heap?debug=1',
    'heap?gc=2',
    'heap?seconds=5'
  ])('refuses %s', async (query) => {
    const { status, body } = await rawRequest(root + query)
    expect(status).toBe(400)
    expect(body).toMatch(/seconds|debug|gc/)
  })

  it.each(['evil.example', 'evil.example:6060', '127.0.0.1.evil.example', '10.0.0.1', 'localhost.evil.example'])(
    'refuses the host "%s" on a loopback address',
    async (host) => {
      expect((await rawRequest(`${root}cmdline`, { host })).status).toBe(403)
    }
  )

  it.each(['localhost', 'localhost:6060', '127.0.0.1:1', '[::1]:6060', 'LOCALHOST.'])(
    'answers to the host %s',
    async (host) => {
      expect((await rawRequest(`${root}cmdline`, { host })).status).toBe(200)
    }
  )

  it.each([
    ['10.0.0.1:6060', 200],
    ['bootstrap-node:6060', 200],
    ['node.example', 403]
  ])('on an address that others reach the host "%s" gets %i', async (host, status) => {
    const open = await startProfileServer({ host: '0.0.0.0', port: 0, logger })
    try {
      const port = open.address.split(':').at(-1)
      const answer = await rawRequest(`http://127.0.0.1:${port}/debug/pprof/cmdline`, { host })
      expect(answer.status).toBe(status)
    } finally {
      await open.close()
    }
  })
})

describe('life cycle', () => {
  it('says which port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    await expect(startProfileServer({ host: '127.0.0.1', port, logger })).rejects.toMatchObject({
      name: 'BootstrapError',
      code: 'ERR_PROFILES_LISTEN',
      facts: { address: '127.0.0.1', port },
      cause: { code: 'EADDRINUSE' }
    })
    other.close()
  })

  it('leaves nothing behind', async () => {
    await server.close()
    await turns()
    const before = process.getActiveResourcesInfo().sort()
    const again = await startProfileServer({ host: '127.0.0.1', port: 0, logger })
    const agent = new Agent({ keepAlive: true })
    const kept = request(`http://${again.address}/debug/pprof/heap`, { agent }).end()
    const [response] = (await once(kept, 'response')) as [IncomingMessage]
    expect(response.statusCode).toBe(200) // so the sampler was free again
    await once(response.resume(), 'end')
    const gone = once(kept.socket!, 'close')
    expect(process.getActiveResourcesInfo().length).toBeGreaterThan(before.length)
    const closing = again.close()
    expect(again.close()).toBe(closing)
    await closing
    await gone
    await turns()
    expect(process.getActiveResourcesInfo().sort()).toEqual(before)
  })

  it('does not wait for a request that never ends', async () => {
    const { hostname, port } = new URL(root)
    const half = connect(Number(port), hostname)
    const gone = once(half, 'close')
    half.on('error', () => {}).write('GET /debug/pprof/ HTTP/1.1\r\nHost: localhost\r\n')
    while (!(await rawRequest(`${root}goroutine?debug=2`)).body.includes('read 45 B')) await setImmediate()
    await server.close()
    await gone
  })

  /** Closed handles go at the end of a turn of the event loop. */
  async function turns(): Promise<void> {
    for (let i = 0; i < 3; i++) await setImmediate()
  }
})
