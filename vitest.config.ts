import { defineConfig } from 'vitest/config'

const exclude = ['**/*.system.test.ts', '**/node_modules/**']

/** Everything that needs no system package. The server's tests find a real PostgreSQL running. */
export default defineConfig({
  test: {
    // By itself it would leave one of two cores idle, and most tests wait more than they work.
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: ['default', ['json', { outputFile: 'var/test-results/default.json' }]],
    projects: [
      {
        extends: true,
        test: { name: 'programs', include: ['{shared,devices,agent,demo,test}/**/*.test.ts'], exclude },
      },
      {
        extends: true,
        test: {
          name: 'server',
          include: ['server/**/*.test.ts'],
          exclude,
          globalSetup: ['server/postgres-setup.testing.ts'],
        },
      },
    ],
  },
})
