import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as rest } from 'node:timers/promises'
import { goBinaries } from '../../interop/harness/go.ts'
import type { NodeKind, Site } from './site.ts'
import {
  clockOfItsOwn,
  memory,
  networkOfItsOwn,
  openFiles,
  plain,
  type Surroundings,
  smallDisk,
  type Wire
} from './surroundings.ts'

export interface Fault {
  readonly name: string
  readonly promise: string
  /** What of the promise is asserted, for this node. */
  readonly bounds: { readonly lost?: number; readonly cut?: number }
  /** Where there is no such fault, or no way to make it, for the Go node. */
  readonly nodes: readonly NodeKind[]
  readonly inShort: boolean
  readonly surroundings: () => Surroundings | Promise<Surroundings>
  /** Brings it about, waits as long as it lasts, and ends it; what is worth saying of it. */
  strike(site: Site): Promise<string | undefined>
}

const both = ['ours', 'baseline'] as const
const hourMs = 3_600_000
const yearMs = 365 * 24 * hourMs

export const short = process.env.FAULTS === 'short'
const standstillMs = short ? 5_000 : 30_000

const standstill: Fault = {
  name: `SIGSTOP for ${standstillMs / 1_000} s, then SIGCONT`,
  promise: 'who was there is served again; this node itself closes nobody whose answer waits unread',
  bounds: { lost: 0 },
  nodes: both,
  inShort: true,
  surroundings: plain,
  async strike(site) {
    const from = site.daemon.printed
    site.daemon.process.kill('SIGSTOP')
    await rest(standstillMs)
    site.daemon.process.kill('SIGCONT')
    await rest(2_000)
    return `the node tells of ${site.disconnected(from).size} departures`
  }
}

/** Set while the node runs, and found by the next process too; then set right. */
function clockSet(name: string, byMs: number, inShort: boolean): Fault {
  return {
    name: `clock set ${name}, kill -9 and start, set right, kill -9 and start`,
    promise: 'records live on in the process, and in those that come after it',
    bounds: { lost: 0 },
    // the runtime of Go asks the kernel itself: a clock of its own cannot be given to one process
    nodes: ['ours'],
    inShort,
    surroundings: clockOfItsOwn,
    async strike(site) {
      const { wallClock } = site.surroundings
      wallClock?.set(byMs, site.pid)
      await site.daemon.line(/WARN: the machine's clock was set/, 15_000)
      const missedAtOnce = await site.missedByNewcomer()
      // written a second later at most
      await rest(2_000)
      await site.restart()
      const missedThen = await site.missedByNewcomer()
      wallClock?.set(0, site.pid)
      await site.daemon.line(/WARN: the machine's clock was set/, 15_000)
      await rest(2_000)
      await site.restart()
      return `records missed with the wrong clock: ${missedAtOnce}, ${missedThen} after a start`
    }
  }
}

/** The clock is wrong from the boot on, and is never seen to be set. */
function clockWrongAtStart(name: string, aheadMs: () => number): Fault {
  return {
    name: `kill -9 and start ${name}, kill -9 and start with the right clock`,
    promise: 'records are not taken for over',
    bounds: { lost: 0 },
    nodes: ['ours'],
    inShort: false,
    surroundings: clockOfItsOwn,
    async strike(site) {
      await rest(2_000)
      site.surroundings.wallClock?.set(aheadMs(), undefined)
      await site.restart()
      const missed = await site.missedByNewcomer()
      await rest(2_000)
      site.surroundings.wallClock?.set(0, undefined)
      await site.restart()
      return `records missed with the wrong clock: ${missed}`
    }
  }
}

const fileLimit = 120
const flood = 300

const outOfFiles: Fault = {
  name: `${flood} idle clients come to a node with ${fileLimit} files, and leave after some seconds`,
  promise: 'who is here stays and is served; newcomers are let in again once there is room',
  bounds: { lost: 0, cut: 0 },
  nodes: both,
  inShort: true,
  surroundings: openFiles(fileLimit),
  async strike(site) {
    const { load } = await goBinaries()
    const flags = ['-n', String(flood), '-silent', '-t', '3', '-settle', '1', '-after', '0', '-dialtimeout', '3']
    const crowd = spawn(load, ['hold', '-addr', site.target.addr, ...flags], { stdio: ['ignore', 'pipe', 'ignore'] })
    let out = ''
    crowd.stdout.on('data', (chunk) => {
      out += chunk
    })
    await once(crowd, 'close')
    const joined = /"joined":(\d+)/.exec(out)?.[1] ?? '0'
    return `${joined} of the ${flood} got in`
  }
}

const fullDisk: Fault = {
  name: 'disk full for some 10 s while newcomers provide, then room, kill -9 and start',
  promise: 'served meanwhile, said once, and saved once there is room',
  bounds: { lost: 0 },
  // Go saves nothing
  nodes: ['ours'],
  inShort: true,
  surroundings: smallDisk,
  async strike(site) {
    const ballast = join(`/proc/${site.pid}/root`, site.surroundings.dataDir ?? '', 'ballast')
    try {
      writeFileSync(ballast, Buffer.alloc(16 << 20))
    } catch {
      // as full as it gets
    }
    // whatever changes has to be written, and a page of the file system may have had room
    const { load } = await goBinaries()
    const flags = ['-n', '100', '-keys', '6', '-each', '-t', '1', '-qps', '10', '-settle', '0', '-after', '0']
    const providers = spawn(load, ['providers', '-addr', site.target.addr, ...flags], { stdio: 'ignore' })
    await once(providers, 'close')
    const missed = await site.missedByNewcomer()
    await rest(short ? 1_000 : 10_000)
    rmSync(ballast)
    const said = site.daemon.lines.some((line) => line.includes('the state cannot be saved'))
    if (said) await site.daemon.line(/the state is saved again/, 70_000)
    await rest(2_000)
    await site.restart()
    return `records missed meanwhile: ${missed}; the log ${said ? 'says it, and when it is over' : 'is silent'}`
  }
}

const memoryBytes = 400 << 20

const outOfMemory: Fault = {
  name: `${memoryBytes >> 20} MB for the container run out: the kernel kills the node, it is started again`,
  promise: 'as kill -9: nothing that was acknowledged is lost, who was connected is dialled back',
  bounds: { lost: 0 },
  nodes: both,
  inShort: false,
  surroundings: memory(memoryBytes),
  async strike(site) {
    const group = site.surroundings.env.FAULTS_CGROUP ?? ''
    // something else in the container takes nearly all: what is left is less than any node needs
    const takenBytes = memoryBytes - (2 << 20)
    const script = `echo $$ > ${group}/cgroup.procs; head -c ${takenBytes} /dev/zero | tail -c ${takenBytes} | cat > /dev/null`
    const eater = spawn('sh', ['-c', script], { stdio: 'ignore' })
    const ended = await Promise.race([site.daemon.ended(), rest(60_000, 'lives', { ref: false })])
    if (ended === 'lives') throw new Error('the kernel has not killed the node')
    const { signalCode } = site.daemon.process
    if (eater.exitCode === null) await once(eater, 'close')
    await site.restart()
    return `ended by ${signalCode}`
  }
}

function overTheWire(
  name: string,
  promise: string,
  bounds: Fault['bounds'],
  strike: (site: Site, wire: Wire) => Promise<string | undefined>
): Fault {
  return {
    name,
    promise,
    bounds,
    nodes: both,
    inShort: false,
    surroundings: networkOfItsOwn,
    strike: async (site) => {
      if (site.surroundings.wire === undefined) throw new Error('no wire')
      return strike(site, site.surroundings.wire)
    }
  }
}

/** The pause between two times of asking whether it is back, what a dial waits, what the dial-back takes, and some more. */
const dialledBackWithinMs = 90_000

const cutFor = (seconds: number, promise: string, dialsBack: boolean) =>
  overTheWire(`network cut for ${seconds} s`, promise, { lost: 0 }, async (site, wire) => {
    const from = site.daemon.printed
    await wire.be('down')
    await rest(seconds * 1_000)
    await wire.be('up')
    const departures = `${site.disconnected(from).size} departures`
    if (dialsBack && site.kind === 'ours') return `${departures}; ${await dialledBack(site, from)}`
    await rest(5_000)
    return `the node tells of ${departures}`
  })

/** The network is there again; how long it takes until everybody was dialled. */
async function dialledBack(site: Site, from: number): Promise<string> {
  site.over()
  const beganMs = Date.now()
  await site.daemon.line(/dial-back over/, dialledBackWithinMs, from)
  return `all dialled back ${((Date.now() - beganMs) / 1_000).toFixed(1)} s after the cut`
}

const badNetwork = overTheWire(
  '20 % packet loss and 300 ms there and back, for 30 s',
  'nobody loses the node; newcomers may join',
  { lost: 0 },
  async (site, wire) => {
    await wire.be('delay 150ms')
    await wire.be('loss 0.2')
    const beganMs = Date.now()
    const missed = await site.missedByNewcomer()
    const tookMs = Date.now() - beganMs
    await rest(Math.max(0, 30_000 - tookMs))
    await wire.be('loss 0')
    await wire.be('delay 0s')
    return `a newcomer meanwhile missed ${missed}, after ${(tookMs / 1_000).toFixed(1)} s`
  }
)

const vanished = overTheWire(
  'all clients vanish without a word',
  'closed within 43 s, records stay; dialled back once they can be',
  { lost: 0 },
  async (site, wire) => {
    const from = site.daemon.printed
    const all = [...site.rendezvous.values()].flat()
    await wire.be('down')
    const beganMs = Date.now()
    while (Date.now() - beganMs < 90_000) {
      const gone = site.disconnected(from)
      if (all.every((id) => gone.has(id))) break
      await rest(200)
    }
    const [gone, tookMs] = [site.disconnected(from).size, Date.now() - beganMs]
    await wire.be('up')
    const closed = `${gone} of ${all.length} closed, the last after ${(tookMs / 1_000).toFixed(1)} s`
    if (site.kind !== 'ours') return closed
    if (gone < all.length) throw new Error(`${all.length - gone} dead peers were not found`)
    await dialledBack(site, from)
    return closed
  }
)

export const faults: readonly Fault[] = [
  standstill,
  clockSet('1 h forward', hourMs, false),
  clockSet('1 h back', -hourMs, false),
  clockSet('10 years forward', 10 * yearMs, false),
  clockSet('10 years back', -10 * yearMs, false),
  clockWrongAtStart('in 1970', () => -Date.now()),
  clockWrongAtStart('10 years ahead', () => 10 * yearMs),
  outOfFiles,
  fullDisk,
  outOfMemory,
  cutFor(10, 'nobody loses the node', false),
  cutFor(60, 'who was there is dialled back; records stay', true),
  badNetwork,
  vanished
]
