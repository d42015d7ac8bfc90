import { readFile, stat } from 'node:fs/promises'
import { SourceMap, type SourceMapPayload, type SourceMapping } from 'node:module'
import { basename, dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Frame, frameKey } from './frame.ts'

/** Where a function is for a reader of the sources. */
export interface Position {
  readonly name: string
  readonly file: string
  /** From 1; 0 = unknown. */
  readonly line: number
}

/** A compiled file of 4 MiB is no module of ours or of a library: reading its map would stop the process for long. */
const MAX_MAP_BYTES = 4 * 1024 * 1024
/** About 100 bytes a position, so 2 MB at the bound; a profile of this process has some thousand functions. */
const MAX_POSITIONS = 20_000

/**
 * Compiled positions to source positions, through the `.js.map` next to a `.js` file. Resolved positions are kept, maps
 * are not: a parsed map is a hundred times as large as the few positions of it that ever appear in a profile.
 */
export class SourcePositions {
  readonly #known = new Map<string, Position>()

  constructor(readonly max = MAX_POSITIONS) {}

  get size(): number {
    return this.#known.size
  }

  /** The positions of all frames, read file by file; between two files the event loop turns. */
  async resolve(frames: Iterable<Frame>): Promise<ReadonlyMap<Frame, Position>> {
    const positions = new Map<Frame, Position>()
    const unknown = new Map<string, Frame[]>()
    for (const frame of frames) {
      const known = this.#known.get(frameKey(frame))
      if (known !== undefined) {
        positions.set(frame, known)
        continue
      }
      const ofFile = unknown.get(frame.url)
      if (ofFile === undefined) unknown.set(frame.url, [frame])
      else ofFile.push(frame)
    }
    for (const [url, ofFile] of unknown) {
      const path = pathOf(url)
      const map = url.startsWith('file:') ? await readMap(path) : undefined
      for (const frame of ofFile) {
        const position = locate(frame, path, map)
        this.#keep(frame, position)
        positions.set(frame, position)
      }
    }
    return positions
  }

  #keep(frame: Frame, position: Position): void {
    if (this.#known.size >= this.max) this.#known.clear() // rebuilt by the next profile from what it needs
    this.#known.set(frameKey(frame), position)
  }
}

function locate(frame: Frame, path: string, map: SourceMap | undefined): Position {
  const { file, line } = sourceOf(frame, path, map) ?? { file: path, line: frame.line }
  return { name: frame.name === '' ? anonymous(file, line) : frame.name, file, line }
}

/** Undefined where the map knows no source for the place: Node's types hide that the entry is empty then. */
function sourceOf(
  { line, column }: Frame,
  path: string,
  map: SourceMap | undefined
): Omit<Position, 'name'> | undefined {
  if (map === undefined || line === 0) return undefined
  const entry = map.findEntry(line - 1, Math.max(0, column - 1)) as Partial<SourceMapping>
  if (!entry.originalSource || entry.originalLine === undefined) return undefined
  return { file: resolve(dirname(path), pathOf(entry.originalSource)), line: entry.originalLine + 1 }
}

/** `go tool pprof` adds up what has the same name, so that a bare `(anonymous)` would be one row for a thousand closures. */
function anonymous(file: string, line: number): string {
  return file === '' ? '(anonymous)' : `(anonymous) ${basename(file)}:${line}`
}

/** `file:` URLs as paths, everything else (`node:net`, a relative source) as it is. */
function pathOf(url: string): string {
  if (!url.startsWith('file:')) return url
  try {
    return fileURLToPath(url)
  } catch {
    return url // evaluated code may carry any `sourceURL`
  }
}

/** A missing, oversized or broken map costs the mapping, never the profile. */
async function readMap(path: string): Promise<SourceMap | undefined> {
  try {
    const mapPath = `${path}.map`
    if ((await stat(mapPath)).size > MAX_MAP_BYTES) return undefined
    return new SourceMap(JSON.parse(await readFile(mapPath, 'utf8')) as SourceMapPayload)
  } catch {
    return undefined
  }
}
