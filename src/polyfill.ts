// libp2p 3 calls Promise.withResolvers, which Node has from version 22 on. Imported before everything else.
import 'core-js/proposals/promise-with-resolvers.js'
