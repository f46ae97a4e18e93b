// Program.cs - the command line of the measurements. Every comparison is of one run, by turns, on this machine.
using System.CommandLine;
using Firecloud.Bench.Cluster;
using Firecloud.Bench.Peers;
using Firecloud.Bench.Storage;
using Firecloud.Bench.Transport;

var root = new RootCommand("Measures Firecloud and what it is compared with.");
root.Subcommands.Add(TransportBench.Command());
root.Subcommands.Add(StressBench.LossCommand());
root.Subcommands.Add(StressBench.OverloadCommand());
root.Subcommands.Add(StoreBench.Command());
root.Subcommands.Add(DurableBench.Command());
root.Subcommands.Add(PeersBench.Command());
root.Subcommands.Add(TargetsBench.Command());
root.Subcommands.Add(GrowthBench.Command());
return await root.Parse(args).InvokeAsync();
