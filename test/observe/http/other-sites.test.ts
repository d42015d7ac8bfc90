import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type HttpServer, json, startHttpServer } from '../../../src/observe/http/server.ts'
import { rawRequest } from '../profiles/fixtures/client.ts'

let server: HttpServer
let answered: string[]

beforeEach(async () => {
  answered = []
  server = await startHttpServer({
    host: '127.0.0.1',
    port: 0,
    name: 'test server',
    logger: pino({ level: 'silent' }),
    silenceMs: 10_000,
    route: (path) => ({
      mayBeLinked: path === '/page',
      reply: () => {
        answered.push(path)
        return json({})
      }
    })
  })
})
afterEach(() => server.close())

async function ask(path: string, site?: string, mode = 'no-cors', into = 'image', method = 'GET'): Promise<number> {
  const headers = site === undefined ? {} : { 'sec-fetch-site': site, 'sec-fetch-mode': mode, 'sec-fetch-dest': into }
  return (await rawRequest(`http://${server.address}${path}`, { method, headers })).status
}

describe('what a page of another site asks for', () => {
  it.each(['cross-site', 'same-site', '', 'none, none', 'unheard-of'])(
    'Sec-Fetch-Site: %j is refused',
    async (site) => {
      expect(await ask('/data', site)).toBe(403)
      expect(await ask('/page', site)).toBe(403)
      expect(await ask('/data', site, 'no-cors', 'image', 'HEAD')).toBe(403)
      expect(answered).toEqual([])
    }
  )

  it('is refused as a window of its own, too, but for the page that may be linked to', async () => {
    expect(await ask('/data', 'cross-site', 'navigate', 'document')).toBe(403)
    expect(await ask('/page', 'cross-site', 'navigate', 'iframe')).toBe(403)
    expect(await ask('/page', 'cross-site', 'cors', 'document')).toBe(403)
    expect(answered).toEqual([])
    expect(await ask('/page', 'cross-site', 'navigate', 'document')).toBe(200)
  })
})

it("answers its own pages, the address bar's user and who is no browser", async () => {
  expect(await ask('/data', 'same-origin', 'cors', 'empty')).toBe(200)
  expect(await ask('/data', 'none', 'navigate', 'document')).toBe(200)
  expect(await ask('/data')).toBe(200)
})
