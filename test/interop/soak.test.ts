import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { soak } from '../../bench/soak/soak.ts'

const leakFile = new URL('../bench/soak/leak.mjs', import.meta.url).href
const LEAK_BYTES = 16_384

/** The soak's own run is a part of .ci/run; here it has to find what it is there for. */
it('the soak finds what stays for each peer that left', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'soak-'))
  try {
    const result = await soak(
      { peers: 60, rounds: 5, minutes: 0, boundBytes: LEAK_BYTES / 2 },
      { directory, report: () => {}, nodeArgs: ['--import', leakFile] }
    )
    expect(result.passed).toBe(false)
    expect(result.bytesPerPeer).toBeGreaterThan(LEAK_BYTES / 2)
  } finally {
    await rm(directory, { recursive: true })
  }
})
