import { defineConfig } from 'vitest/config'

/** Everything that needs no system package. */
export default defineConfig({
  test: {
    include: ['{shared,devices,agent,server,demo,test}/**/*.test.ts'],
    exclude: ['**/*.system.test.ts', '**/node_modules/**'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: ['default', ['json', { outputFile: 'var/test-results/default.json' }]],
  },
})
