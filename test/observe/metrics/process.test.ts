import { open } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { openFiles } from '../../../src/observe/metrics/process.ts'

it('counts open files', async () => {
  const before = (await openFiles())!
  const files = await Promise.all(Array.from({ length: 50 }, () => open('/dev/null')))
  const during = (await openFiles())!
  await Promise.all(files.map((file) => file.close()))
  // others of the process may open and close one meanwhile
  expect(during - before).toBeGreaterThan(40)
  expect(during - before).toBeLessThan(60)
})

it('counts them where the directory has no size, and knows nothing without one', async () => {
  // a directory of /proc without a size, whose entries are as many as its threads
  expect(await openFiles('/proc/self/task')).toBeGreaterThan(0)
  expect(await openFiles('/no/such/directory')).toBeUndefined()
})
