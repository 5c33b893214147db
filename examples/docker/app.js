export const app = () => (_req, res) => {
  res.end('Hello from a container\n');
};
