// An AT Protocol network for tests: a PLC directory, a PDS and an AppView, all on 127.0.0.1.
//
// Prints one line of JSON with the addresses, then obeys lines of JSON on its standard input and answers
// each with a line. It ends when its standard input closes, so it never outlives the tests.
//
// Environment: RAPPORT_MODULES (the node_modules folder), DB_POSTGRES_URL, REDIS_HOST (host:port),
// RAPPORT_CHAT_URL (where chat.bsky is served).

import { createSecretKey, randomBytes } from 'node:crypto'
import dns from 'node:dns'
import { createRequire } from 'node:module'
import net from 'node:net'
import path from 'node:path'
import readline from 'node:readline'

// Everything here listens on all interfaces unless told otherwise.
const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (...args) {
  if (typeof args[0] === 'number' || typeof args[0] === 'string') {
    const rest = args.slice(1).filter((one) => typeof one === 'function')
    return listen.call(this, { port: Number(args[0]), host: '127.0.0.1' }, ...rest)
  }
  if (args[0] && typeof args[0] === 'object' && 'port' in args[0]) {
    args[0] = { ...args[0], host: '127.0.0.1' }
  }
  return listen.apply(this, args)
}

// The network's own addresses say localhost, which older Nodes take for ::1.
dns.setDefaultResultOrder('ipv4first')

const require = createRequire(path.join(process.env.RAPPORT_MODULES, 'x.js'))
const { TestBsky, TestPds, TestPlc, mockNetworkUtilities } = require('@atproto/dev-env')
const getPort = require('get-port')
const pg = require('pg')

// Trigrams serve the search for people, which no test needs, and an embedded PostgreSQL may lack them.
const query = pg.Client.prototype.query
pg.Client.prototype.query = function (asked, ...rest) {
  const text = typeof asked === 'string' ? asked : asked?.text
  if (typeof text === 'string' && /trgm/.test(text)) {
    return query.call(this, typeof asked === 'string' ? 'select 1' : { ...asked, text: 'select 1' }, ...rest)
  }
  return query.call(this, asked, ...rest)
}

const CHAT_DID = 'did:web:api.bsky.chat'
const BYPASS = randomBytes(16).toString('hex')

const plc = await TestPlc.create({})
const pdsPort = await getPort()
const bsky = await TestBsky.create({
  plcUrl: plc.url,
  pdsPort,
  repoProvider: `ws://localhost:${pdsPort}`,
  dbPostgresUrl: process.env.DB_POSTGRES_URL,
  dbPostgresSchema: 'appview',
  redisHost: process.env.REDIS_HOST,
})
const pds = await TestPds.create({
  port: pdsPort,
  didPlcUrl: plc.url,
  bskyAppViewUrl: bsky.url,
  bskyAppViewDid: bsky.ctx.cfg.serverDid,
  rateLimitsEnabled: true,
  rateLimitBypassKey: BYPASS,
})
mockNetworkUtilities(pds, bsky)

// The chat service is not part of the published software; its name leads to the tests' own.
const resolve = pds.ctx.idResolver.did.resolveNoCheck
pds.ctx.idResolver.did.resolveNoCheck = async function (did) {
  if (did !== CHAT_DID) return resolve.call(this, did)
  return {
    '@context': ['https://www.w3.org/ns/did/v1'],
    id: CHAT_DID,
    service: [{ id: '#bsky_chat', type: 'BskyChatService', serviceEndpoint: process.env.RAPPORT_CHAT_URL }],
  }
}

// A write can be carried out and its answer lost.
let broken = false
const server = pds.server.server
const listeners = server.listeners('request')
server.removeAllListeners('request')
server.on('request', (request, response) => {
  const writes = /com\.atproto\.repo\.|chat\.bsky\.convo\.sendMessage/.test(request.url)
  if (broken && request.method === 'POST' && writes) {
    const cut = () => {
      request.socket.destroy()
      return response
    }
    response.writeHead = response.write = response.end = cut
  }
  for (const one of listeners) one.call(server, request, response)
})

const newKeys = () => {
  const key = createSecretKey(randomBytes(32))
  pds.ctx.authVerifier._jwtKey = key
  pds.ctx.accountManager.jwtKey = key
}

const commands = {
  // The PDS is what connectors talk to; what lies behind it goes on.
  stop: () => {
    server.close() // ends later: the AppView's own subscription stays
    server.closeAllConnections()
  },
  start: () => new Promise((done) => server.listen(pdsPort, '127.0.0.1', () => done())),
  break: ({ on }) => {
    broken = on
  },
  // Every session ends, as each does after some time; app passwords stay.
  end_sessions: newKeys,
  // What this client would publish under https, which nothing here can fetch; it is checked as if fetched.
  client: ({ id, metadata }) => {
    const clients = pds.ctx.oauthProvider.clientManager
    const { oauthClientMetadataSchema } = require('@atproto/oauth-types')
    clients.metadataGetter.get = async (uri) => {
      if (uri !== id) throw new Error(`no such client: ${uri}`)
      return clients.validateClientMetadata(uri, oauthClientMetadataSchema.parse(metadata))
    }
  },
  settle: async () => {
    await pds.processAll()
    const last = (await pds.ctx.sequencer.curr()) ?? 0
    const until = Date.now() + 10_000
    for (;;) {
      await bsky.sub.processAll()
      if (((await bsky.sub.runner.getCursor()) ?? 0) >= last) break
      if (Date.now() > until) throw new Error('the AppView does not catch up')
      await new Promise((done) => setTimeout(done, 5))
    }
    await bsky.sub.background.processAll()
  },
}

const say = (what) => process.stdout.write(JSON.stringify(what) + '\n')
say({ pds: pds.url, appview: bsky.url, plc: plc.url, bypass: BYPASS, schema: 'appview' })

for await (const line of readline.createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line)
  try {
    await commands[asked.do](asked)
    say({ done: asked.do })
  } catch (error) {
    say({ failed: asked.do, why: String(error) })
  }
}
process.exit(0)
