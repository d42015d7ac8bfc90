import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Fifo } from '../src/fifo.ts'

it('gives what an array would, however it is filled and emptied', () => {
  const step = fc.oneof(fc.constant('shift' as const), fc.constant('pop' as const), fc.integer({ min: 1, max: 200 }))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const queue = new Fifo<number>()
      const model: number[] = []
      let next = 0
      for (const act of steps) {
        if (typeof act === 'string') expect(queue[act]()).toBe(model[act]())
        else for (let i = 0; i < act; i++) model.push(next) && queue.push(next++)
        expect([queue.length, queue.first]).toEqual([model.length, model[0]])
      }
    })
  )
})
