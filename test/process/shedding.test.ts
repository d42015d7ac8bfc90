import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, it, onTestFinished } from 'vitest'
import { type Client, createClient, findSelf, KadClient } from '../../src/cli/check/client.ts'
import { Daemon } from '../support/daemon.ts'
import { freePort } from '../support/port.ts'

const never = new AbortController().signal

async function startNode(options: ConstructorParameters<typeof Daemon>[2] = {}) {
  const port = await freePort()
  const node = new Daemon(['--port', String(port)], {}, options)
  onTestFinished(() => void node.process.kill('SIGKILL'))
  await node.started()
  const [, address] = await node.printed(/Give this address to other nodes: (\S+)/)
  return { node, port, address: address! }
}

/** A client that is connected, and what it asks over its stream. */
async function join(address: string): Promise<{ client: Client; kad: KadClient }> {
  const client = await createClient()
  onTestFinished(() => client.stop())
  const connection = await client.dial(multiaddr(address))
  return { client, kad: await KadClient.open(connection, never) }
}

/** Sockets that never say a word. */
function openSockets(port: number, count: number): Socket[] {
  const sockets = Array.from({ length: count }, () => connect(port, '127.0.0.1').on('error', () => {}))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
  })
  return sockets
}

async function check(address: string): Promise<{ code: unknown; stderr: string }> {
  const daemon = new Daemon(['check', address])
  return { code: await daemon.ended(), stderr: daemon.stderr }
}

it('with few files: lets in as many as there are files for, keeps who is here, and says how many it refused', async () => {
  // room for 130: half, as 200 for all else would leave hardly any
  const { node, port, address } = await startNode({ within: 'ulimit -n 260' })
  await node.printed(/open files: 260 may be open, 50,300 are needed.*LimitNOFILE/)
  const clients = await Promise.all(Array.from({ length: 5 }, () => join(address)))

  const sockets = openSockets(port, 400)
  let closed = 0
  for (const socket of sockets) socket.on('close', () => closed++)
  await expect.poll(() => closed).toBeGreaterThanOrEqual(400 - 130)
  expect(closed).toBeLessThan(400 - 100)
  for (const { kad, client } of clients) await findSelf(kad, client)
  // the line comes as soon as one was refused, and then once a minute
  const refused = await node.printed(/(\d+) newcomers were refused \(tooManyHandshakes \d+\); there is room for 130/)
  expect(Number(refused[1])).toBeGreaterThan(0)
  expect(await check(address)).toMatchObject({ code: 1, stderr: expect.stringMatching(/turned this client away/) })

  for (const socket of sockets) socket.destroy()
  await expect.poll(async () => (await check(address)).code, { timeout: 30_000 }).toBe(0)
  for (const { kad, client } of clients) await findSelf(kad, client)
  expect(node.stdout.match(/newcomers were refused/g)).toHaveLength(1)
  expect(await node.stop()).toBe(0)
})

it('without a file left: answers on, turns newcomers away, and lets them in when there are files again', async () => {
  const { node, port, address } = await startNode()
  const clients = await Promise.all(Array.from({ length: 5 }, () => join(address)))
  for (const { kad, client } of clients) await findSelf(kad, client)
  const { pid } = node.process
  const limit = (files: number) => execFileSync('prlimit', ['--pid', String(pid), `--nofile=${files}:`])
  const before = /Max open files +(\d+)/.exec(execFileSync('cat', [`/proc/${pid}/limits`], { encoding: 'utf8' }))![1]
  // but for one of V8's, which is far above, they are taken from below; two are left
  const open = readdirSync(`/proc/${pid}/fd`).map(Number)
  limit(Math.max(...open.filter((fd) => fd < 200)) + 3)

  const sockets = openSockets(port, 50)
  // those few for whom there was a file wait for their handshake
  await expect.poll(() => sockets.filter(({ closed }) => closed).length).toBeGreaterThanOrEqual(45)
  await node.printed(/the number of open files is short \(all in use\): .*LimitNOFILE/)
  for (const { kad, client } of clients) await findSelf(kad, client)
  expect((await check(address)).code).toBe(1)

  limit(Number(before))
  await node.printed(/the number of open files is no longer short/)
  expect(await check(address)).toMatchObject({ code: 0 })
  for (const { kad, client } of clients) await findSelf(kad, client)
  expect(node.stdout.match(/open files is short/g)).toHaveLength(1)
  expect(await node.stop()).toBe(0)
})
