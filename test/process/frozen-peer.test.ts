import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { it } from 'vitest'
import { Daemon } from '../support/daemon.ts'
import { freePort } from '../support/port.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A libp2p client as a process of its own; it says `connected` and stays. */
const clientOf = (address: string) => `
import 'core-js/proposals/promise-with-resolvers.js'
const [{ createLibp2p }, { tcp }, { noise }, { yamux }, { identify }, { multiaddr }] = await Promise.all(
  ['libp2p', '@libp2p/tcp', '@libp2p/noise', '@libp2p/yamux', '@libp2p/identify', '@multiformats/multiaddr'].map((name) => import(name)))
const peer = await createLibp2p({ transports: [tcp()], connectionEncrypters: [noise()], streamMuxers: [yamux()],
  connectionMonitor: { enabled: false }, services: { identify: identify() } })
await peer.dial(multiaddr('${address}'))
console.log('connected', String(peer.peerId))
setTimeout(() => process.exit(), 90_000)`

it.concurrent.for(['lean', 'stock'])(
  'a peer that is frozen is found within 45 s, one that is merely quiet stays: %s stack',
  { timeout: 120_000 },
  async (stack, { expect, onTestFinished }) => {
    const node = await new Daemon(['--port', String(await freePort())], {
      LOG_PEER_CONNECTIONS: 'true',
      CONNECTION_STACK: stack
    }).started()
    const [, address] = await node.printed(/Give this address to other nodes: (\S+)/)
    // below the project, where its packages are found
    const client = () =>
      spawn(process.execPath, ['--input-type=module', '--eval', clientOf(address!)], {
        cwd: root,
        stdio: ['ignore', 'pipe', 'inherit']
      })
    const peers = [client(), client()]
    onTestFinished(() => {
      for (const child of [...peers, node.process]) child.kill('SIGKILL')
    })
    const ids = await Promise.all(
      peers.map(
        async (peer) =>
          String((await once(peer.stdout!, 'data'))[0])
            .trim()
            .split(' ')[1]!
      )
    )
    await node.printed(new RegExp(`Bootstrap Peer connected: ${ids[0]}`))

    peers[0]!.kill('SIGSTOP')
    await node.printed(new RegExp(`Bootstrap Peer disconnected: ${ids[0]}`), 60_000)
    expect(node.stdout).not.toContain(`Bootstrap Peer disconnected: ${ids[1]}`)

    expect(await node.stop()).toBe(0)
  }
)
