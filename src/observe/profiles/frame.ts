/** One call in a stack, as V8 names it. Lines and columns count from 1; 0 = unknown. */
export interface Frame {
  readonly name: string
  /** `file://…`, `node:…`, or empty for V8's own pseudo functions such as `(GC)`. */
  readonly url: string
  readonly line: number
  readonly column: number
}

/** A stack with the innermost call first, as pprof has it. */
export type Stack = readonly Frame[]

/** A stack of one frame that stands for something which has no code position. */
export function pseudoStack(name: string): Stack {
  return [{ name, url: '', line: 0, column: 0 }]
}

/** Equal for the same function of the same script, whenever it was read. */
export function frameKey(frame: Frame): string {
  return `${frame.url}:${frame.line}:${frame.column}:${frame.name}`
}

/** Equal for the same calls in the same order. */
export function stackKey(stack: Stack): string {
  return stack.map(frameKey).join('\n')
}
