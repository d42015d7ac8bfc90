import { type Gate, PressureGuard } from '../admission/pressure-guard.ts'
import type { Clock } from '../clock.ts'
import { heapLimitBytes, heapUsedBytes } from './heap-limit.ts'
import type { Logger } from './logger.ts'
import { memoryLimit } from './memory-limit.ts'
import { isOutOfFiles } from './open-files.ts'

/** Has admission shed load when this process is short of something, until the returned function is called. */
export function startPressureGuard(gate: Gate, clock: Clock, logger: Logger): () => void {
  const memory = memoryLimit()
  const heapBytes = heapLimitBytes()
  const read = () => ({
    memory: memory.usedBytes() / memory.bytes,
    heap: heapUsedBytes() / heapBytes,
    isOutOfFiles: isOutOfFiles()
  })
  const guard = new PressureGuard({ gate, clock, logger, read })
  guard.start()
  return () => guard.stop()
}
