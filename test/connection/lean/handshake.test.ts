import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { expect, it } from 'vitest'
import { Handshake } from '../../../src/connection/lean/handshake.ts'
import { credentials } from './bench.ts'

it('a handshake fails once, for the first reason', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const there = connect((server.address() as AddressInfo).port, '127.0.0.1').resume()
  const [here] = await accepted
  const causes: string[] = []
  const handshake = new Handshake(here, credentials, {
    onDone: () => expect.unreachable(),
    onFailed: (_handshake, { message }) => void causes.push(message)
  })
  handshake.abort(new Error('first'))
  handshake.abort(new Error('second'))
  await once(there, 'close')
  expect([causes, here.destroyed]).toEqual([['first'], true])
  server.close()
})
