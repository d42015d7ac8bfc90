import { expect, it, onTestFinished } from 'vitest'
import { Daemon } from '../support/daemon.ts'
import { freePort } from '../support/port.ts'

it('the daemon shows its metrics on the admin port, and ends as before', async () => {
  const admin = await freePort()
  const daemon = new Daemon(['--port', String(await freePort())], { ADMIN_PORT: String(admin) })
  onTestFinished(() => void daemon.process.kill('SIGKILL'))
  await daemon.started()
  const metrics = async () => (await fetch(`http://127.0.0.1:${admin}/metrics`)).text()
  await expect.poll(metrics).toMatch(/^bootstrap_connected_peers 0$/m)
  expect(await metrics()).toMatch(/^bootstrap_build_info\{version="\d[^"]*",node="v\d[^"]*",stack="\w+"\} 1$/m)
  expect(await daemon.stop()).toBe(0)
})
