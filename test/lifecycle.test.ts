import { describe, expect, it } from 'vitest'
import { BootstrapError } from '../src/errors.ts'
import { OpenSteps } from '../src/lifecycle.ts'
import { SimulatedClock } from './support/clock.ts'

const never = new AbortController().signal

async function opened(clock: SimulatedClock, releases: Record<string, () => void | Promise<void>>) {
  const steps = new OpenSteps(clock)
  for (const [name, release] of Object.entries(releases)) await steps.open(name, 100, never, () => {}, release)
  return steps
}

describe('OpenSteps', () => {
  it('closes in reverse', async () => {
    const closed: string[] = []
    const note = (name: string) => () => void closed.push(name)
    await (await opened(new SimulatedClock(), { a: note('a'), b: note('b'), c: note('c') })).close()
    expect(closed).toEqual(['c', 'b', 'a'])
  })

  it('closes once; a second caller awaits the first close', async () => {
    let times = 0
    const steps = await opened(new SimulatedClock(), { a: () => void times++ })
    await Promise.all([steps.close(), steps.close()])
    await steps.close()
    expect(times).toBe(1)
  })

  it('an error of one step keeps no other from closing; all errors come together, by step', async () => {
    const closed: string[] = []
    const steps = await opened(new SimulatedClock(), {
      a: () => void closed.push('a'),
      b: () => {
        throw new Error('b is stuck')
      },
      c: () => Promise.reject(new Error('c too'))
    })
    const error = await steps.close().catch((reason: AggregateError) => reason)
    expect(closed).toEqual(['a'])
    expect(
      error?.errors.map(({ code, facts, cause }: BootstrapError) => [code, facts, (cause as Error).message])
    ).toEqual([
      ['ERR_CLOSE', { step: 'c' }, 'c too'],
      ['ERR_CLOSE', { step: 'b' }, 'b is stuck']
    ])
  })

  it('abandons a step that never settles at its deadline, and closes the others', async () => {
    const clock = new SimulatedClock()
    const closed: string[] = []
    const steps = await opened(clock, { a: () => void closed.push('a'), hung: () => new Promise(() => {}) })
    const closing = steps.close().catch((reason: AggregateError) => reason)
    clock.advance(99)
    expect(closed).toEqual([])
    clock.advance(1)
    const error = await closing
    expect(closed).toEqual(['a'])
    expect(error?.errors.map(({ code, facts }: BootstrapError) => [code, facts])).toEqual([
      ['ERR_CLOSE_DEADLINE', { step: 'hung', deadlineMs: 100 }]
    ])
    expect(clock.pending).toBe(0)
  })

  it('leaves no timer', async () => {
    const clock = new SimulatedClock()
    await (await opened(clock, { a: () => {} })).close()
    expect(clock.pending).toBe(0)
  })

  it('opens nothing once the start was given up, and keeps what was opened meanwhile closeable', async () => {
    const abort = new AbortController()
    const steps = new OpenSteps(new SimulatedClock())
    let released = false
    const open = steps.open(
      'a',
      100,
      abort.signal,
      () => abort.abort(),
      () => {
        released = true
      }
    )
    await expect(open).rejects.toMatchObject({ code: 'ERR_START_ABORTED' })
    await expect(
      steps.open(
        'b',
        100,
        abort.signal,
        () => expect.fail(),
        () => {}
      )
    ).rejects.toThrow(BootstrapError)
    await steps.close()
    expect(released).toBe(true)
  })
})
