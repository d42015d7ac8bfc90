import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { forgetPassedSockets, passedSockets } from '../../src/host/activation.ts'

const pid = 4711
const given = (LISTEN_FDS: string, more: NodeJS.ProcessEnv = {}) =>
  passedSockets({ LISTEN_PID: String(pid), LISTEN_FDS, ...more }, pid)

describe('passedSockets', () => {
  it('counts from descriptor 3, in the order of the names', () => {
    expect(given('2', { LISTEN_FDNAMES: 'four:six' })).toEqual([
      { fd: 3, name: 'four' },
      { fd: 4, name: 'six' }
    ])
  })

  it.each([undefined, '', 'four', 'four:'])('does without names: %s', (LISTEN_FDNAMES) => {
    expect(given('2', { LISTEN_FDNAMES }).map(({ fd, name }) => [fd, name.length > 0])).toEqual([
      [3, true],
      [4, true]
    ])
  })

  it.each([
    {},
    { LISTEN_FDS: '1' },
    { LISTEN_PID: String(pid) },
    { LISTEN_PID: '4712', LISTEN_FDS: '1' },
    { LISTEN_PID: ` ${pid}`, LISTEN_FDS: '1' },
    { LISTEN_PID: '', LISTEN_FDS: '1' }
  ])('takes nothing that is not meant for this process: %j', (environment) => {
    expect(passedSockets(environment, pid)).toEqual([])
  })

  it.each(['-1', '65', '9999', 'one', '', '1.5', '0x1', ' 1'])('refuses LISTEN_FDS=%j', (count) => {
    expect(() => given(count)).toThrow(`LISTEN_FDS=${count}: it is no number of sockets from 0 to 64`)
  })

  it('gives as many as were passed, each once, whatever the names', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 64 }), fc.string(), (count, LISTEN_FDNAMES) => {
        const fds = given(String(count), { LISTEN_FDNAMES }).map(({ fd }) => fd)
        expect(fds).toEqual(Array.from({ length: count }, (_, i) => 3 + i))
      })
    )
  })
})

it('forgetPassedSockets leaves nothing for a child, and all else', () => {
  const environment = { LISTEN_PID: '1', LISTEN_FDS: '1', LISTEN_FDNAMES: 'a', PATH: '/bin' }
  forgetPassedSockets(environment)
  expect(environment).toEqual({ PATH: '/bin' })
})
