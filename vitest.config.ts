import { defineConfig } from 'vitest/config'

const kinds = ['process', 'interop', 'docker', 'simulation', 'ops', 'faults', 'hostile']

/** What takes a minute because a minute has to pass: run beside the others. */
const waiting = ['test/process/frozen-peer.test.ts', 'test/interop/idle.test.ts']

/** What is awaited comes when it comes: vitest's second is too short on a busy machine. */
const patient = { poll: { timeout: 10_000 } }

/** One project a kind of test: what it needs (nothing, the built daemon, Go, a Docker engine, a machine for itself, packages of Debian) decides where it lives. */
export default defineConfig({
  test: {
    globalSetup: ['test/support/temporary-files.ts'],
    projects: [
      {
        test: {
          name: 'unit',
          expect: patient,
          include: ['test/**/*.test.ts'],
          exclude: kinds.map((kind) => `test/${kind}/**`),
          setupFiles: ['test/support/polyfill.ts'],
          testTimeout: 20_000
        }
      },
      ...[...kinds, 'waiting'].map((kind) => ({
        test: {
          name: kind,
          expect: patient,
          include: kind === 'waiting' ? waiting : [`test/${kind}/**/*.test.ts`],
          exclude: kind === 'waiting' ? [] : waiting,
          // the suites start daemons and load them: one file at a time keeps a small machine honest
          fileParallelism: false,
          setupFiles: ['test/support/polyfill.ts'],
          testTimeout: 180_000,
          hookTimeout: 300_000
        }
      }))
    ]
  }
})
