import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { Random } from './random.ts'
import { fileOf, fuzz, shares, type TargetReport } from './run.ts'
import { BrokenPromise, promise, type Target } from './target.ts'
import { allTargets } from './targets/index.ts'

/** Of all targets together, with each of the two seeds: some seconds. */
const inputs = 6_000
const fixedSeed = 1
const freshSeed = Math.floor(Math.random() * 2 ** 31)

const targets = await allTargets()
const uncaught: unknown[] = []
const onUncaught = (cause: unknown) => void uncaught.push(cause)
process.on('uncaughtException', onUncaught).on('unhandledRejection', onUncaught)
afterAll(async () => {
  process.off('uncaughtException', onUncaught).off('unhandledRejection', onUncaught)
  for (const { close } of targets) await close?.()
})

/** What a report says of its crashes, with what is needed to see them again. */
function crashesOf({ crashes }: TargetReport, seed: number): string[] {
  return crashes.map(
    ({ cause, input }) => `seed ${seed}, ${Buffer.from(input.subarray(0, 500)).toString('hex')}: ${cause}`
  )
}

const counts = shares(targets, inputs)

describe.each(targets.map((target, at) => [target.name, target, counts[at] ?? 0] as const))(
  '%s',
  (name, target, count) => {
    it.each([fixedSeed, freshSeed])(
      `keeps its promises for inputs of the seed %i`,
      async (seed) => {
        expect(crashesOf(await fuzz(target, target.seeds.length + count, seed), seed)).toEqual([])
        expect(uncaught.splice(0)).toEqual([])
      },
      60_000
    )

    it('keeps them for what has broken one before', async () => {
      const directory = new URL(`crashers/${fileOf(name)}/`, import.meta.url)
      for (const file of existsSync(directory) ? readdirSync(directory) : []) {
        await target.check(new Uint8Array(readFileSync(new URL(file, directory))))
      }
      expect(uncaught.splice(0)).toEqual([])
    })
  }
)

describe('the fuzzer', () => {
  const looks = (check: Target['check']): Target => ({ ...targets[0]!, name: 'a target', check })

  it('finds what breaks a promise, and says which input it was', async () => {
    const target = looks((input) => promise(input.length < 3000, 'too long'))
    const { crashes, inputs } = await fuzz(target, 20_000, fixedSeed)
    expect(inputs).toBeLessThan(20_000)
    expect(crashes[0]?.cause).toBeInstanceOf(BrokenPromise)
    expect(crashes[0]?.input.length).toBeGreaterThanOrEqual(3000)
    expect(crashes[0]?.file).toMatch(/^a-target\/[0-9a-f]{16}\.bin$/)
  })

  it('makes the same inputs of the same seed', async () => {
    const seen = async (seed: number) => {
      const all: string[] = []
      await fuzz(
        looks((input) => void all.push(Buffer.from(input).toString('latin1'))),
        500,
        seed
      )
      return all
    }
    expect(await seen(7)).toEqual(await seen(7))
    expect(await seen(8)).not.toEqual(await seen(7))
    expect(new Set(await seen(7)).size).toBeGreaterThan(350)
    expect(new Random(1).below(2 ** 31)).toBe(new Random(1).below(2 ** 31))
  })
})
