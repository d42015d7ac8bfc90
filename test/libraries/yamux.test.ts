import { multiaddrConnectionPair } from '@libp2p/utils'
import { yamux } from '@libp2p/yamux'
import { afterEach, expect, it, vi } from 'vitest'
import { mended } from './support.ts'

afterEach(() => void vi.useRealTimers())

it('the keep-alive waits for its answer for ever', async () => {
  const [near, far] = multiaddrConnectionPair()
  let pings = 0
  far.addEventListener('message', () => pings++)
  vi.useFakeTimers()
  const muxer = yamux({ enableKeepAlive: true, keepAliveInterval: 1_000 })().createStreamMuxer(near)
  await vi.advanceTimersByTimeAsync(3_600_000)
  const news = mended('@libp2p/yamux', 'a peer that does not answer the keep-alive is closed', 'src/host/liveness.ts')
  expect(pings).toBeGreaterThan(0)
  expect([muxer.status, near.status], news).toEqual(['open', 'open'])
  muxer.abort(new Error('the test is over'))
})
