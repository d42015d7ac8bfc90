import type { Readable } from 'node:stream'
import { getHeapSnapshot } from 'node:v8'
import { HttpError } from '../http/request.ts'
import type { Reply } from '../http/server.ts'
import { commandLine } from './command-line.ts'
import { cpuProfile, recordCpu } from './cpu.ts'
import { watchCreations } from './creation-window.ts'
import { type HeapSampleType, heapProfile } from './heap.ts'
import type { HeapSampler } from './heap-sampler.ts'
import { encode, framesOf, type ProfileData } from './pprof.ts'
import { debugOf, gcOf, refuse, secondsOf } from './request.ts'
import type { SourcePositions } from './source-positions.ts'
import { waitingGrouped, waitingInFull, waitingSince } from './waiting.ts'

export const ROOT = '/debug/pprof/'

export interface Endpoint {
  /** Below the root. */
  readonly name: string
  /** One line for the index. */
  readonly help: string
  /** @throws HttpError 400 for a query that it does not understand */
  readonly reply: (query: URLSearchParams) => Reply
}

export interface Profilers {
  /** Undefined where the sampler could not be started; then the reason is why. */
  readonly heap: HeapSampler | undefined
  readonly heapUnavailable: string
  readonly positions: SourcePositions
}

const TEXT = { 'content-type': 'text/plain; charset=utf-8' }

export function endpoints(profilers: Profilers): readonly Endpoint[] {
  const cpuRuns = new OneAtATime('a CPU profile')
  const windows = new OneAtATime('a window of creations')
  const snapshots = new OneAtATime('a heap snapshot')
  const heapReply = (name: string, sampleType: HeapSampleType) => (query: URLSearchParams) => {
    refuse(query, 'seconds', 'take two profiles and compare them with go tool pprof -base')
    debugOf(query, 0)
    const gc = gcOf(query)
    return { headers: pprofFile(name), body: () => heap(profilers, sampleType, gc) }
  }
  return [
    {
      name: 'allocs',
      help: 'What was allocated since the start of this server, by call stack (the heap profile with alloc_space first).',
      reply: heapReply('allocs', 'alloc_space')
    },
    { name: 'cmdline', help: 'The command line, keys hidden.', reply: () => text(() => commandLine(process.argv)) },
    {
      name: 'goroutine',
      help:
        'What the event loop waits on: sockets, servers, timers, requests. debug=1 groups them, debug=2 shows each; ' +
        'debug=2&seconds=N shows the call stacks that made what was created within N seconds and still lives (slows the process meanwhile).',
      reply: goroutine
    },
    {
      name: 'heap',
      help: 'What is in memory, by call stack; gc=1 collects garbage first (stops the process for that time).',
      reply: heapReply('heap', 'inuse_space')
    },
    {
      name: 'heapsnapshot',
      help:
        'All objects, for Chrome DevTools. STOPS THE PROCESS for seconds and needs as much memory again as the heap has. ' +
        'The file holds everything in memory, the private key too.',
      reply: () => ({
        headers: attachment(`heap-${process.pid}.heapsnapshot`, 'application/json'),
        body: async () => snapshots.stream(() => getHeapSnapshot())
      })
    },
    {
      name: 'profile',
      help: 'CPU profile of seconds=N (1 to 300, default 30); one at a time.',
      reply(query) {
        debugOf(query, 0)
        const seconds = secondsOf(query, 30)
        return { headers: pprofFile('profile'), body: (signal) => cpuRuns.run(() => cpu(profilers, seconds, signal)) }
      }
    }
  ]

  function goroutine(query: URLSearchParams): Reply {
    const debug = debugOf(query, 2)
    if (!query.has('seconds')) return text(debug === 2 ? waitingInFull : waitingGrouped)
    if (debug !== 2) throw new HttpError(400, 'seconds needs debug=2 here')
    const seconds = secondsOf(query, 1)
    return {
      headers: TEXT,
      body: (signal) => windows.run(async () => waitingSince(await watchCreations(seconds, signal), seconds))
    }
  }
}

async function heap(
  { heap: sampler, heapUnavailable, positions }: Profilers,
  defaultSampleType: HeapSampleType,
  gc: boolean
): Promise<Uint8Array> {
  if (sampler === undefined) throw new HttpError(503, `no heap profile: ${heapUnavailable}`)
  const reading = await sampler.read({ gc })
  const { external } = process.memoryUsage()
  return write(heapProfile(reading, sampler.intervalBytes, external, defaultSampleType, Date.now()), positions)
}

async function cpu({ positions }: Profilers, seconds: number, signal: AbortSignal): Promise<Uint8Array> {
  const takenAtMs = Date.now()
  return write(cpuProfile(await recordCpu(seconds, signal), takenAtMs), positions)
}

async function write(data: ProfileData, positions: SourcePositions): Promise<Uint8Array> {
  return encode(data, await positions.resolve(framesOf(data.samples)))
}

/** What disturbs the process is not done twice at once: a second request is told so. */
class OneAtATime {
  #isBusy = false

  constructor(readonly what: string) {}

  async run<T>(work: () => Promise<T>): Promise<T> {
    this.#take()
    try {
      return await work()
    } finally {
      this.#isBusy = false
    }
  }

  /** Busy until the stream is closed, by its end or by the one who reads it. */
  stream(open: () => Readable): Readable {
    this.#take()
    try {
      return open().once('close', () => {
        this.#isBusy = false
      })
    } catch (error) {
      this.#isBusy = false
      throw error
    }
  }

  #take(): void {
    if (this.#isBusy) throw new HttpError(409, `${this.what} is being taken already; one at a time`)
    this.#isBusy = true
  }
}

function text(write: () => string): Reply {
  return { headers: TEXT, body: async () => write() }
}

function pprofFile(name: string): Record<string, string> {
  return attachment(`${name}.pb.gz`, 'application/octet-stream')
}

function attachment(file: string, type: string): Record<string, string> {
  return { 'content-type': type, 'content-disposition': `attachment; filename="${file}"` }
}
