import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as rest } from 'node:timers/promises'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { HeldSocket } from '../support/passed-socket.ts'
import { onStock } from '../support/stack.ts'
import { goBinaries } from './harness/go.ts'
import { PortProbe } from './harness/port-probe.ts'
import { figures, found, Survivors } from './harness/survivors.ts'
import { freePort, notOurs, type Place, startTarget, type Target, targetKind } from './harness/target.ts'

/** RESTART_CLIENTS=500 and more are for running by hand. */
const clients = Number(process.env.RESTART_CLIENTS ?? 20)
const backWithinMs = clients <= 20 ? 2_000 : 15_000
/** Several polls of each client. */
const settleMs = 4_000
const identity = 'interop restart'
const ofGo = 'Go forgets all records, and the clients that poll while its port is closed forget it'

const leftovers: Array<() => unknown> = []
afterEach(async () => {
  for (const remove of leftovers.splice(0).reverse()) await remove()
})

beforeAll(async () => {
  await goBinaries()
})

/** A node that is ended and started again at the same place, with what it remembers. */
class Restarted {
  target: Target
  readonly #place: Place
  readonly #env: Record<string, string>
  #down = false

  private constructor(target: Target, place: Place, env: Record<string, string>) {
    this.target = target
    this.#place = place
    this.#env = env
    leftovers.push(async () => {
      if (!this.#down) await this.target.stop()
    })
  }

  /** With all that it remembers. */
  static async start(): Promise<Restarted> {
    return Restarted.#start({ port: await freePort(), identity }, await remembering())
  }

  /** On a socket that outlives it; without memory it dials nobody back. */
  static async activated(socket: HeldSocket, remembers: boolean): Promise<Restarted> {
    return Restarted.#start({ port: socket.port, identity, socket }, remembers ? await remembering() : {})
  }

  static async #start(place: Place, more: Record<string, string>): Promise<Restarted> {
    const env = { LOG_LEVEL: 'info', ...more }
    return new Restarted(await startTarget(env, place), place, env)
  }

  get port(): number {
    return this.#place.port
  }

  /** @returns when it was ready again, in Unix ms */
  async again(signal: 'SIGTERM' | 'SIGKILL'): Promise<number> {
    this.#down = true
    if (signal === 'SIGKILL') await this.target.daemon?.kill()
    else expect(await this.target.stop()).toBe(0)
    this.target = await startTarget(this.#env, this.#place)
    this.#down = false
    return Date.now()
  }
}

async function remembering(): Promise<Record<string, string>> {
  const dataDir = await mkdtemp(join(tmpdir(), 'powerloom-restart-'))
  leftovers.push(() => rm(dataDir, { recursive: true, force: true }))
  return { DATA_DIR: dataDir }
}

function report(what: string, facts: object): void {
  process.stdout.write(`${targetKind}, Node ${process.versions.node}, ${what}: ${JSON.stringify(facts)}\n`)
}

async function join20(node: Restarted): Promise<Survivors> {
  const survivors = await Survivors.join(node.target, clients)
  leftovers.push(() => survivors.kill())
  await rest(2_000)
  return survivors
}

describe.each(['SIGTERM', 'SIGKILL'] as const)('a restart by %s', (signal) => {
  test(`is noticed by none of ${clients} clients that poll once a second`, async ({ skip }) => {
    skip(targetKind === 'given', notOurs)
    const node = await Restarted.start()
    const survivors = await join20(node)
    const probe = new PortProbe(node.port)
    leftovers.push(() => void probe.stop())
    const beganMs = Date.now()
    await node.again(signal)
    const readyAfterMs = Date.now() - beganMs
    // thousands of handshakes at once are another test: burst.test.ts
    if (clients > 20) await rest(backWithinMs)
    const newcomers = await Promise.all(
      [...survivors.providers].map(async ([rendezvous, ids]) => ({
        expected: ids.toSorted(),
        got: (await found(node.target, rendezvous)).toSorted()
      }))
    )
    await rest(settleMs)
    const closed = probe.stop()
    const seen = figures(await survivors.finish(), beganMs)
    const missing = newcomers.map(({ expected, got }) => expected.filter((id) => !got.includes(id)).length)
    report(signal, { ...closed, readyAfterMs, ...seen, providersThatANewcomerMissed: missing })
    skip(targetKind !== 'ours', ofGo)
    expect(missing).toEqual(missing.map(() => 0))
    expect(seen).toMatchObject({ lost: 0 })
    expect(seen.inTablesAfterMs).toBeLessThan(readyAfterMs + backWithinMs)
  })
})

describe.each([
  ['without DATA_DIR', false],
  ['with DATA_DIR', true]
])('three restarts under socket activation, %s', (what, remembers) => {
  test(`are noticed by none of ${clients} clients`, async ({ skip }) => {
    skip(targetKind !== 'ours' || onStock, 'a node that takes sockets')
    const socket = new HeldSocket()
    leftovers.push(() => socket.close())
    const node = await Restarted.activated(socket, remembers)
    const survivors = await join20(node)
    const probe = new PortProbe(node.port)
    leftovers.push(() => void probe.stop())
    const beganMs = Date.now()
    for (const signal of ['SIGTERM', 'SIGKILL', 'SIGTERM'] as const) {
      await node.again(signal)
      await rest(settleMs)
    }
    const closed = probe.stop()
    const seen = figures(await survivors.finish(), beganMs)
    report(`three restarts under socket activation, ${what}`, { ...closed, ...seen })
    expect(closed.refused).toBe(0)
    // and nobody's table ever lost the node
    expect(seen).toMatchObject({ lost: 0, leftTheTable: 0 })
  })
})
