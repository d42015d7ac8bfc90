import { describe, expect, it } from 'vitest'
import {
  type CallNode,
  joinReadings,
  objectsOfSample,
  type SizedNode
} from '../../../src/observe/profiles/heap-samples.ts'

const INTERVAL = 512 * 1024

function call(id: number, functionName: string, lineNumber: number, children: CallNode[] = []): CallNode {
  return { id, callFrame: { functionName, scriptId: '7', url: 'file:///x.js', lineNumber, columnNumber: 0 }, children }
}

function sized(name: string, lineNumber: number, sizes: number[], children: SizedNode[] = []): SizedNode {
  return {
    name,
    scriptId: 7,
    lineNumber,
    columnNumber: 1,
    allocations: sizes.map((sizeBytes) => ({ sizeBytes })),
    children
  }
}

/** As V8: size × scale, rounded to whole objects. */
function asV8(size: number): number {
  return size * Math.round(objectsOfSample(size, INTERVAL))
}

describe('the two readings of the sampler', () => {
  it.each([16, 24, 1000, 400_000, 600_000, 5_000_000])('give a sampled object of %i bytes its weight, once', (size) => {
    const head = call(1, '(root)', -1, [call(2, 'f', 3)])
    const twin = sized('(root)', 0, [], [sized('f', 4, [8, size, 700_000])])
    const [sample] = joinReadings({ head, samples: [{ nodeId: 2, ordinal: 1, size: asV8(size) }] }, twin, INTERVAL, 0)
    // the chance to be sampled times the weight is the object itself
    const chance = 1 - Math.exp(-size / INTERVAL)
    expect(sample!.bytes * chance).toBeCloseTo(size, 3)
    expect(sample!.objects * chance).toBeCloseTo(1, 6)
  })

  it('find the size on its own path, in whatever order the trees are', () => {
    const head = call(1, '(root)', -1, [call(2, 'f', 3, [call(4, 'g', 9)]), call(3, 'g', 9)])
    const twin = sized('(root)', 0, [], [sized('g', 10, [2000]), sized('f', 4, [], [sized('g', 10, [3000])])])
    const samples = [
      { nodeId: 4, ordinal: 1, size: asV8(3000) },
      { nodeId: 3, ordinal: 2, size: asV8(2000) }
    ]
    const joined = joinReadings({ head, samples }, twin, INTERVAL, 0)
    expect(
      joined.map(({ stack, bytes, objects }) => [stack.map(({ name }) => name), Math.round(bytes / objects)])
    ).toEqual([
      [['g', 'f'], 3000],
      [['g'], 2000]
    ])
    expect(joined[0]?.stack[0]).toEqual({ name: 'g', url: 'file:///x.js', line: 10, column: 1 })
  })

  it('leave out what was read before, and keep the bytes of what only one of them has', () => {
    const head = call(1, '(root)', -1, [call(2, 'f', 3)])
    const samples = [1, 2, 3].map((ordinal) => ({ nodeId: 2, ordinal, size: 524_520 }))
    const joined = joinReadings({ head, samples }, sized('(root)', 0, []), INTERVAL, 2)
    expect(joined).toMatchObject([{ ordinal: 3, bytes: 524_520, objects: 1 }])
  })
})
