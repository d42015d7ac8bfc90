import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

type Collect = (options: { readonly type: 'minor'; readonly execution: 'sync' }) => void

let collect: Collect | undefined

/** V8 gives its collector to the scripts of a context that is made while this flag is set. */
function collector(): Collect {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc')
    collect = runInNewContext('gc') as Collect
    setFlagsFromString('--no-expose-gc')
  }
  return collect
}

/** Collects the young generation: some 0.5 ms where it is small. */
export function collectYoung(): void {
  collector()({ type: 'minor', execution: 'sync' })
}

/**
 * Collects everything, moves what is left together, and gives the pages that V8 keeps for later back to the system; no other
 * collection does all that. In a task of its own, which blocks for some 5 ms for each MB that lives.
 *
 * @throws Error of the inspector
 */
export async function collectAll(): Promise<void> {
  const { Session } = await import('node:inspector/promises')
  const session = new Session()
  session.connect()
  try {
    // to V8 a notification that memory is low: Isolate::LowMemoryNotification (Node 20.20 and 24.22)
    await session.post('HeapProfiler.collectGarbage')
  } finally {
    session.disconnect()
  }
}
