// System.Version would make the protocol's own word ambiguous in every file.
global using Version = Firecloud.Actors.Protocol.Version;
