/** The architecture gate: what may import what. `test/architecture.test.ts` proves that it can fail. */

/** One home per outside library. */
const homes = {
  serialport: ['^devices/transports/serial\\.ts$'],
  'node-hid': ['^devices/transports/hid\\.ts$'],
  undici: ['^agent/sync/client\\.ts$'],
  'better-sqlite3': ['^agent/outbox/database\\.ts$', '^server/database/sqlite/connect\\.ts$'],
  pg: ['^server/database/postgres/connect\\.ts$'],
  jose: ['^server/security/tokens\\.ts$'],
  nodemailer: ['^server/mail/transport\\.ts$'],
  'prom-client': ['^server/metrics/'],
  croner: ['^server/systems/user-accounts/reminders\\.ts$'],
  'csv-parse': ['^server/systems/user-accounts/', '^agent/enrolment/list/'],
  'structured-headers': ['^shared/http-signatures/'],
  commander: ['^agent/(cli|commands/)', '^server/(cli|commands/)'],
  pino: ['^shared/log\\.ts$'],
  preact: ['^agent/page/client/'],
  kysely: ['^server/database/', '/store\\.ts$'],
  fastify: [
    '^server/(app|health)\\.ts$',
    '^server/(plugins|rate-limit|metrics|openapi)/',
    '^server/kiosks/signed-request\\.ts$',
    '/(routes|dialect)\\.ts$',
    '^agent/page/(server|guard|event-streams|operator/routes)\\.ts$',
  ],
  zod: [
    '^shared/',
    '^devices/',
    '^agent/',
    '^server/config\\.ts$',
    '^server/security/keyring\\.ts$',
    '^server/openapi/',
    '/routes\\.ts$',
  ],
}

const programs = '^(shared|devices|agent|server)/'
const test = '\\.(test|testing)\\.ts$'

module.exports = {
  forbidden: [
    {
      name: 'shared-is-a-leaf',
      severity: 'error',
      from: { path: '^shared/' },
      to: { path: '^(devices|agent|server|demo|test|bench)/' },
    },
    {
      name: 'devices-import-only-shared',
      severity: 'error',
      from: { path: '^devices/' },
      to: { path: '^(agent|server|demo|test|bench)/' },
    },
    {
      name: 'agent-and-server-meet-only-over-http',
      severity: 'error',
      from: { path: '^agent/' },
      to: { path: '^(server|demo|test|bench)/' },
    },
    {
      name: 'server-knows-no-kiosk-code',
      severity: 'error',
      from: { path: '^server/' },
      to: { path: '^(agent|devices|demo|test|bench)/' },
    },
    {
      name: 'no-system-imports-another',
      severity: 'error',
      from: { path: '^server/systems/([^/]+)/' },
      to: { path: '^server/systems/', pathNot: '^server/systems/$1/' },
    },
    {
      name: 'services-and-stores-do-not-look-up',
      severity: 'error',
      from: { path: '^server/systems/[^/]+/(service|store)\\.ts$' },
      to: { path: '/(routes|dialect)\\.ts$' },
    },
    {
      name: 'stores-do-not-know-services',
      severity: 'error',
      from: { path: '/store\\.ts$' },
      to: { path: '/service\\.ts$' },
    },
    {
      name: 'codecs-are-pure',
      severity: 'error',
      from: { path: '^devices/codecs/', pathNot: test },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'programs-do-without-testing-code',
      severity: 'error',
      from: { path: programs, pathNot: test },
      to: { path: '\\.testing\\.ts$' },
    },
    { name: 'no-cycles', severity: 'error', from: { path: programs }, to: { circular: true } },
    { name: 'nothing-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-undeclared-package',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    ...Object.entries(homes).map(([library, places]) => ({
      name: `home-of-${library}`,
      severity: 'error',
      from: { path: programs, pathNot: [test, ...places] },
      to: { path: `(^|/)node_modules/${library}/` },
    })),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
}
