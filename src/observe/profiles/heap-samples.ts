import type { Frame, Stack } from './frame.ts'

/** A sampled object that still lives, scaled to the allocations that it stands for. */
export interface LiveSample {
  /** V8 numbers its samples 1, 2, 3 … in the order of allocation. */
  readonly ordinal: number
  readonly stack: Stack
  readonly objects: number
  readonly bytes: number
}

/** A call in V8's sampling profile, as the inspector protocol has it. */
export interface CallNode {
  readonly id: number
  readonly callFrame: {
    readonly functionName: string
    readonly scriptId: string
    readonly url: string
    readonly lineNumber: number
    readonly columnNumber: number
  }
  readonly children: readonly CallNode[]
}

interface Sample {
  readonly nodeId: number
  readonly ordinal: number
  /** Bytes that it stands for: size × round(scale). */
  readonly size: number
}

/** What `HeapProfiler.getSamplingProfile` answers; @types/node 20 describes the protocol before `samples`. */
export interface SamplingProfile {
  readonly head: CallNode
  readonly samples: readonly Sample[]
}

/** A node of the same tree as the native addon gives it: with the sizes of the sampled objects. */
export interface SizedNode {
  readonly name?: string | undefined
  readonly scriptId?: number | undefined
  readonly lineNumber?: number | undefined
  readonly columnNumber?: number | undefined
  readonly allocations: readonly { readonly sizeBytes: number }[]
  readonly children: readonly SizedNode[]
}

interface Call {
  readonly frame: Frame
  readonly caller: Call | undefined
}

/**
 * The live samples younger than `afterOrdinal`, from two readings of one sampler. The inspector tells which samples there
 * are, but of each only size × scale, rounded to whole objects; the addon tells the sizes. Together they are exact, and
 * each sample is scaled once, here.
 */
export function joinReadings(
  { head, samples }: SamplingProfile,
  sized: SizedNode,
  intervalBytes: number,
  afterOrdinal: number
): LiveSample[] {
  const wanted = byNode(samples.filter(({ ordinal }) => ordinal > afterOrdinal))
  const joined: LiveSample[] = []
  if (wanted.size > 0) visit(head, sized, undefined)
  return joined

  function visit(node: CallNode, twin: SizedNode | undefined, call: Call | undefined): void {
    const here = wanted.get(node.id)
    if (here !== undefined) {
      const stack = stackOf(call)
      for (const sample of here) {
        joined.push({ ordinal: sample.ordinal, stack, ...scaled(sample, twin?.allocations ?? [], intervalBytes) })
      }
    }
    for (const [index, child] of node.children.entries()) {
      visit(child, twinOf(child, index, twin), { frame: frameOf(child), caller: call })
    }
  }
}

function byNode(samples: readonly Sample[]): ReadonlyMap<number, readonly Sample[]> {
  const groups = new Map<number, Sample[]>()
  for (const sample of samples) {
    const group = groups.get(sample.nodeId)
    if (group === undefined) groups.set(sample.nodeId, [sample])
    else group.push(sample)
  }
  return groups
}

/**
 * V8 takes a sample each `intervalBytes` on average (a Poisson process), so that an object of size S is sampled with the
 * probability 1 - exp(-S / interval) and stands for the inverse of it.
 */
export function objectsOfSample(sizeBytes: number, intervalBytes: number): number {
  return 1 / (1 - Math.exp(-sizeBytes / intervalBytes))
}

/** V8 gives `size × round(scale)`; the size of the object is the one among those of its stack for which that holds. */
function scaled(
  { size: rounded }: Sample,
  sizes: SizedNode['allocations'],
  intervalBytes: number
): { objects: number; bytes: number } {
  for (const { sizeBytes } of sizes) {
    const objects = objectsOfSample(sizeBytes, intervalBytes)
    if (sizeBytes * Math.floor(objects + 0.5) === rounded) return { objects, bytes: objects * sizeBytes }
  }
  return { objects: 1, bytes: rounded } // collected between the two readings: the bytes hold, the number is a lower bound
}

/** The two trees come from one, mostly in the same order. */
function twinOf(child: CallNode, index: number, parent: SizedNode | undefined): SizedNode | undefined {
  const atIndex = parent?.children[index]
  if (atIndex !== undefined && isTwin(child, atIndex)) return atIndex
  return parent?.children.find((candidate) => isTwin(child, candidate))
}

function isTwin({ callFrame }: CallNode, sized: SizedNode): boolean {
  return (
    callFrame.functionName === (sized.name ?? '') &&
    callFrame.scriptId === String(sized.scriptId ?? 0) &&
    callFrame.lineNumber + 1 === (sized.lineNumber ?? 0) &&
    callFrame.columnNumber + 1 === (sized.columnNumber ?? 0)
  )
}

/** The inspector counts lines and columns from 0, with -1 for unknown. */
function frameOf({ callFrame }: CallNode): Frame {
  const { functionName: name, url, lineNumber, columnNumber } = callFrame
  return { name, url, line: lineNumber + 1, column: columnNumber + 1 }
}

function stackOf(innermost: Call | undefined): Stack {
  const stack: Frame[] = []
  for (let call = innermost; call !== undefined; call = call.caller) stack.push(call.frame)
  return stack
}
