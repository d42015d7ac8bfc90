import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import {
  Line,
  Location,
  Mapping,
  Function as PprofFunction,
  Profile,
  Sample,
  StringTable,
  ValueType
} from 'pprof-format'
import type { Frame, Stack } from './frame.ts'
import type { Position } from './source-positions.ts'

export interface ProfileSample {
  readonly stack: Stack
  /** One figure a sample type, in their order. */
  readonly values: readonly number[]
}

export type TypeAndUnit = readonly [type: string, unit: string]

/** A profile before it is written: V8's stacks, with the meaning of their figures. */
export interface ProfileData {
  readonly sampleTypes: readonly TypeAndUnit[]
  readonly defaultSampleType: string
  readonly samples: readonly ProfileSample[]
  readonly periodType: TypeAndUnit
  /** In the unit of the period type. */
  readonly period: number
  /** Wall time, ms since 1970. */
  readonly takenAtMs: number
  readonly durationMs: number
  /** What a reader must know to judge the figures; `go tool pprof -comments` shows them. */
  readonly comments: readonly string[]
}

const MAPPING = 1
const gzipped = promisify(gzip)

/** Every frame of a profile, each once: what has to be resolved before it is written. */
export function framesOf(samples: readonly ProfileSample[]): Set<Frame> {
  const frames = new Set<Frame>()
  for (const { stack } of samples) for (const frame of stack) frames.add(frame)
  return frames
}

/** The gzipped protocol buffer that `go tool pprof` reads. */
export async function encode(data: ProfileData, positions: ReadonlyMap<Frame, Position>): Promise<Uint8Array> {
  return gzipped(await toPprof(data, positions).encodeAsync())
}

/** Pure: the same data and positions give the same profile. */
export function toPprof(data: ProfileData, positions: ReadonlyMap<Frame, Position>): Profile {
  const strings = new StringTable()
  const places = new Places(strings, positions)
  const valueType = ([type, unit]: TypeAndUnit): ValueType =>
    new ValueType({ type: strings.dedup(type), unit: strings.dedup(unit) })
  const sample = data.samples
    .filter(({ values }) => values.some((value) => Math.round(value) !== 0))
    .map(
      ({ stack, values }) =>
        new Sample({ locationId: stack.map((frame) => places.locationId(frame)), value: values.map(Math.round) })
    )
  return new Profile({
    sampleType: data.sampleTypes.map(valueType),
    sample,
    mapping: [
      // one for all, so that pprof neither asks for a binary nor looks for symbols
      new Mapping({
        id: MAPPING,
        filename: strings.dedup('node'),
        hasFunctions: true,
        hasFilenames: true,
        hasLineNumbers: true
      })
    ],
    location: places.locations,
    function: places.functions,
    periodType: valueType(data.periodType),
    period: data.period,
    timeNanos: BigInt(Math.round(data.takenAtMs)) * 1_000_000n,
    durationNanos: Math.round(data.durationMs * 1e6),
    comment: data.comments.map((comment) => strings.dedup(comment)),
    defaultSampleType: strings.dedup(data.defaultSampleType),
    stringTable: strings
  })
}

/** Functions and locations, each once. V8 knows the line of a function, not of the call in it: one location a function. */
class Places {
  readonly functions: PprofFunction[] = []
  readonly locations: Location[] = []
  readonly #ids = new Map<string, number>()
  readonly #strings: StringTable
  readonly #positions: ReadonlyMap<Frame, Position>

  constructor(strings: StringTable, positions: ReadonlyMap<Frame, Position>) {
    this.#strings = strings
    this.#positions = positions
  }

  locationId(frame: Frame): number {
    const { name, file, line } = this.#positions.get(frame) ?? { name: frame.name, file: frame.url, line: frame.line }
    const key = `${file}:${line}:${name}`
    const known = this.#ids.get(key)
    if (known !== undefined) return known
    const id = this.locations.length + 1
    const named = this.#strings.dedup(name)
    this.functions.push(
      new PprofFunction({ id, name: named, systemName: named, filename: this.#strings.dedup(file), startLine: line })
    )
    this.locations.push(new Location({ id, mappingId: MAPPING, line: [new Line({ functionId: id, line })] }))
    this.#ids.set(key, id)
    return id
  }
}
