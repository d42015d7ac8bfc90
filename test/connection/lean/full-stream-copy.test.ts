import { defaultLogger } from '@libp2p/logger'
import { expect, it } from 'vitest'
import { FullStream } from '../../../src/connection/lean/full-stream.ts'
import { dataFrame, session } from '../yamux/support.ts'

it('what a full stream keeps is a copy: the bytes are the channel’s', async () => {
  const { owner, yamux, opened } = session()
  let full: FullStream | undefined
  owner.accept = (stream) => {
    full = new FullStream(stream, '/a', defaultLogger().forComponent('test'))
    full.deliver()
  }
  opened(1)
  const chunk = dataFrame(1, 'kept')
  yamux.receive(chunk)
  chunk.fill(0)
  const text = await new Promise<string>((resolve) => {
    full!.addEventListener('message', ({ data }) => resolve(Buffer.from(data.subarray()).toString()))
  })
  expect(text).toBe('kept')
})
