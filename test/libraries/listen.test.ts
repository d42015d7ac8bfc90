import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { mended, stockNode, stockServices } from './support.ts'

it('the code of an error of listening is lost, which is in its message only', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  onTestFinished(() => void other.close())
  const { port } = other.address() as AddressInfo
  const listen = [`/ip4/127.0.0.1/tcp/${port}`]
  const node = await stockNode({ start: false, addresses: { listen }, services: stockServices })
  const error = (await node.start()?.then(
    () => undefined,
    (cause: unknown) => cause
  )) as Error & { code?: string; errors?: { code?: string }[] }
  const codes = [
    error.code,
    (error.cause as { code?: string } | undefined)?.code,
    ...(error.errors ?? []).map(({ code }) => code)
  ]
  expect(error.message).toContain('EADDRINUSE')
  expect(codes, mended('libp2p', 'the code EADDRINUSE is there', 'startHost in src/host/host.ts')).not.toContain(
    'EADDRINUSE'
  )
})
