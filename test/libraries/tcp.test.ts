import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { Listener, Upgrader } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { pino } from 'pino'
import { expect, it, onTestFinished } from 'vitest'
import { LibraryLog } from '../../src/observe/libp2p-logger.ts'
import { mended } from './support.ts'

interface Internals extends Listener {
  readonly sockets: Set<Socket>
  readonly server: { address(): AddressInfo }
}

it('a socket that closes before its upgrade is over stays in the listener', async () => {
  let upgraded = (_value: unknown) => {}
  const upgrader = { upgradeInbound: () => new Promise((resolve) => (upgraded = resolve)) } as unknown as Upgrader
  const listener = tcp()({ logger: new LibraryLog(pino({ level: 'silent' }), 'error') }).createListener({
    upgrader
  }) as Internals
  await listener.listen(multiaddr('/ip4/127.0.0.1/tcp/0'))
  onTestFinished(() => listener.close())
  const client = connect(listener.server.address().port, '127.0.0.1')
  await once(client, 'connect')
  await expect.poll(() => listener.sockets.size).toBe(1)
  const [socket] = listener.sockets
  client.destroy()
  await once(socket!, 'close')
  upgraded(undefined)
  await new Promise((resolve) => setImmediate(resolve))
  const news = mended(
    '@libp2p/tcp',
    'its listener forgets such sockets',
    'the warning about gater hooks (none are used)'
  )
  expect(listener.sockets.size, news).toBe(1)
})
