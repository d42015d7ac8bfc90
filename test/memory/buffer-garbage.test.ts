import { expect, it } from 'vitest'
import { BufferGarbage, collectEveryBytes } from '../../src/memory/buffer-garbage.ts'

it('collects in a turn of its own, once for each 2 MiB', () => {
  let collections = 0
  const deferred: (() => void)[] = []
  const garbage = new BufferGarbage(
    () => collections++,
    (fn) => deferred.push(fn)
  )
  garbage.add(collectEveryBytes - 1)
  expect(deferred).toHaveLength(0)
  garbage.add(1)
  expect([deferred.length, collections]).toEqual([1, 0])
  deferred[0]?.()
  expect(collections).toBe(1)
  garbage.add(collectEveryBytes - 1)
  expect(deferred).toHaveLength(1)
})
